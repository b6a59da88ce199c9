import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readFile, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { isErrno, syncFolder } from '../master-key';

const run = promisify(execFile);

/**
 * Overwrites a file in its place, gives its blocks back to the disk, and removes it. Each step is durable before the
 * next. Where the file system keeps old blocks, so does this: {@link caveatsAt} says which do.
 *
 * @param mayGo judges the content that is about to be overwritten; where it says no, the name alone is removed
 */
export async function wipeFile(path: string, mayGo: (content: string, inode: number) => boolean): Promise<void> {
  const file = await open(path, 'r+').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (!file) return;
  try {
    const { size, blksize, ino } = await file.stat();
    if (mayGo(await file.readFile('utf8'), ino)) {
      await file.write(randomBytes(size), 0, size, 0);
      await file.sync();
      await punch(path, file, blksize * Math.ceil(size / blksize));
    }
  } finally {
    await file.close();
  }
  await rm(path, { force: true });
  await syncFolder(path);
}

/** Flash that is told of it (mount option `discard`) erases the blocks; others may be used again at once. */
async function punch(path: string, file: FileHandle, length: number): Promise<void> {
  try {
    await run('fallocate', ['--punch-hole', '--offset', '0', '--length', String(length), path]);
  } catch {
    // Without the program, or on a file system that cannot: it has been overwritten.
    return;
  }
  await file.sync();
}

/** File systems by their number in statfs(2), and what they do with overwritten blocks. */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0x9123683e, 'btrfs writes elsewhere instead of overwriting, and its snapshots keep old blocks'],
  [0x2fc12fc1, 'ZFS writes elsewhere instead of overwriting, and its snapshots keep old blocks'],
  [0xca451a4e, 'bcachefs writes elsewhere instead of overwriting, and its snapshots keep old blocks'],
  [0xf2f52010, 'F2FS writes elsewhere instead of overwriting'],
  [0x794c7630, 'overlayfs may keep a copy in a lower layer'],
  [0x6969, "NFS overwrites as the server's own file system does"],
  [0xff534d42, "SMB overwrites as the server's own file system does"],
  [0xfe534d42, "SMB overwrites as the server's own file system does"],
]);

/** Why a wiped file could still be read on this machine, one sentence each; none where nothing is known to keep it. */
export async function caveatsAt(path: string): Promise<string[]> {
  const { type } = await statfs(dirname(path));
  const kept = fileSystems.get(type);
  const canPunch = await run('fallocate', ['--version']).then(
    () => true,
    () => false,
  );
  const swap = await readFile('/proc/swaps', 'utf8').then(
    (text) => text.trim().split('\n').length > 1,
    () => false,
  );
  return [
    ...(kept === undefined ? [] : [kept]),
    ...(canPunch ? [] : ['there is no fallocate (util-linux), so the blocks of a root that ended are not given back']),
    ...(swap ? ['this machine swaps: unless the swap is encrypted, a root that was in memory may be on the disk'] : []),
  ];
}
