import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '../../..');
const built = join(root, 'dist/playground');

/**
 * Builds the playground at the first start in a checkout: `npm ci` does not, and a package contains it. A failure stops
 * nothing, since the server needs no playground.
 */
export async function buildPlayground(): Promise<void> {
  const isCheckout = existsSync(join(root, 'src/gateway/playground/package.json'));
  if (!isCheckout || existsSync(join(built, 'index.html'))) return;
  mkdirSync(built, { recursive: true });
  process.stderr.write('Building the playground. This happens once and takes up to a minute.\n');
  // Where npm started this process it says where it is; on Windows it is no program of its own.
  const { npm_execpath: npm } = process.env;
  const words = ['run', '--silent', 'build:playground'];
  const build = npm
    ? promisify(execFile)(process.execPath, [npm, ...words], { cwd: root })
    : promisify(execFile)('npm', words, { cwd: root });
  await build.catch(() => process.stderr.write('The playground was not built; npm run build:playground shows why.\n'));
}
