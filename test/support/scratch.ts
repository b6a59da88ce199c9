import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const memory = '/dev/shm';
const enough = 4 * 2 ** 30;

/**
 * Has the temporary files of all tests in memory where there is room: they are killed, never cut off from power, so
 * nothing is shown by waiting for a disk at each commit. TMPDIR of whoever runs the tests goes first.
 * @returns what removes the files
 */
export function keepScratchInMemory(): () => void {
  if (process.env.TMPDIR !== undefined || !existsSync(memory)) return () => undefined;
  const { bavail, bsize } = statfsSync(memory);
  if (bavail * bsize < enough) return () => undefined;
  const folder = mkdtempSync(join(memory, 'remit-tests-'));
  // The servers run as another user, and remove what is theirs.
  chmodSync(folder, 0o1777);
  process.env.TMPDIR = folder;
  return () => {
    delete process.env.TMPDIR;
    rmSync(folder, { recursive: true, force: true });
  };
}
