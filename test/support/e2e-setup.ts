import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import globalSetup from './global-setup';
import { root } from './root';

const source = join(root, 'src/gateway/playground');
const built = join(root, 'dist/playground/index.html');

/** The databases of the tests, and the playground where it is missing or older than its source. */
export default async function e2eSetup(): Promise<void> {
  await globalSetup();
  const sources = readdirSync(source).filter((file) => file !== 'node_modules');
  const files = [...sources.map((file) => join(source, file)), join(root, 'schema/directives.graphql')];
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  execFileSync('npm', ['run', '--silent', 'build:playground'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}
