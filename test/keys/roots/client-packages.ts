import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../support/root';

/** Where the tests' copies of the clients are: `npm --prefix test/keys/roots/clients ci` installs them. */
export const clientsFolder = join(root, 'test/keys/roots/clients/node_modules');

/** Whether a client is installed. Where not, its tests are left out, said loudly. */
export function hasClient(name: string): boolean {
  if (existsSync(join(clientsFolder, name))) return true;
  leaveOut(`${name} was not found`, 'npm --prefix test/keys/roots/clients ci');
  return false;
}

/** @throws with CI=true */
export function leaveOut(what: string, remedy: string): void {
  if (process.env.CI === 'true') throw new Error(`${what}; with CI=true it must be installed: ${remedy}`);
  process.stderr.write(`\n*** WARNING: ${what}: its tests are LEFT OUT. Install it with: ${remedy} ***\n`);
}
