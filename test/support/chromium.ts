import { findExecutable } from './mariadb-process';

/**
 * The path of a Chromium for the browser tests.
 * @returns undefined, after a loud warning, where none is installed; with CI=true that is an error
 */
export function findChromium(): string | undefined {
  const path = findExecutable('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome');
  if (path !== undefined) return path;
  const message = 'chromium was not found: the browser tests are LEFT OUT.';
  if (process.env.CI === 'true') throw new Error(`${message} With CI=true it must be installed (chromium).`);
  process.stderr.write(`\n*** WARNING: ${message} Install chromium to run them. ***\n`);
  return undefined;
}
