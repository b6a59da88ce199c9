import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '../../..');

/**
 * Builds the playground at the first start in a checkout, where installing does not build it. A package brings it along.
 * A failure stops nothing: without the playground the server serves everything else.
 */
export async function buildPlayground(): Promise<void> {
  const config = join(root, 'src/gateway/playground/vite.config.mts');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  if (existsSync(join(root, 'dist/playground/index.html')) || ![config, vite].every(existsSync)) return;
  process.stderr.write('Building the playground, once; this takes some seconds.\n');
  await promisify(execFile)(process.execPath, [vite, 'build', '--config', config, '--logLevel', 'warn']).catch(() => {
    process.stderr.write('The playground could not be built; npm run build:playground says why.\n');
  });
}
