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
  const files = [...readdirSync(source).map((file) => join(source, file)), join(root, 'schema/directives.graphql')];
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  execFileSync(process.execPath, [vite, 'build', '--config', join(source, 'vite.config.mts'), '--logLevel', 'warn'], {
    cwd: root,
  });
}
