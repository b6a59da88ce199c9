import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { EntityManager } from 'typeorm';
import { inLongSnapshot } from '../../storage/snapshot';
import { epochContext } from '../epochs/epoch-keys';
import type { KeysPlace } from '../key-stores';
import { sealChunks } from './chunks';
import { KeyBackupError } from './errors';
import { newHeader, rootDigest } from './header';
import { openBackup } from './read';
import { countRows, readLines } from './rows';

/** Wrapped keys do not compress; what stands beside them does, as well as with more effort. */
const GZIP_LEVEL = 1;

/** A keys' store with its roots. */
export type RootedStore = Pick<KeysPlace, 'name' | 'source' | 'roots'>;

/** A backup that was written and read again. */
export interface WrittenBackup {
  readonly path: string;
  readonly epoch: number;
  readonly bytes: number;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
}

export interface BackupOptions {
  /** Told how many rows of all were read. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly now?: () => number;
}

/**
 * Writes everything of a keys' store into one encrypted file, as one state, and reads it again to the end. The file is
 * under the key of the current epoch: once that epoch has ended, nobody can open it any more.
 *
 * @param folder where it goes. It appears there whole, or not at all
 */
export function backUpKeys(
  { name: store, source, roots }: RootedStore,
  folder: string,
  { onProgress, now = Date.now }: BackupOptions = {},
): Promise<WrittenBackup> {
  return inLongSnapshot(source, async (manager) => {
    const rows = await countRows(manager, source);
    const total = Object.values(rows).reduce((sum, n) => sum + n, 0);
    const epoch = await currentEpoch(manager);
    const epochKey = await roots.unwrap(epoch.rootId, epoch.wrapped, epochContext(epoch.number));
    const at = new Date(now()).toISOString();
    const migrations = await migrationsOf(manager);
    const what = { epoch: epoch.number, root: rootDigest(epoch.rootId), store, at, migrations, rows };
    const header = newHeader({ ...what, epochKey: epoch.wrapped.toString('base64') }, epochKey);
    epochKey.fill(0);
    let done = 0;
    const lines = readLines(manager, source, (more) => {
      done += more;
      onProgress?.(done, total);
    });
    const path = join(folder, fileName(store, epoch.number, at));
    await writeWhole(path, async function* () {
      yield header.bytes;
      yield* sealChunks(compressed(lines), header.contentKey);
    });
    await (await openBackup(path, roots)).verify();
    return { path, epoch: epoch.number, bytes: (await stat(path)).size, rows };
  });
}

function compressed(content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gzip = createGzip({ level: GZIP_LEVEL });
  // A failure reaches the reader.
  void pipeline(Readable.from(content), gzip).catch(() => undefined);
  return gzip;
}

interface CurrentEpoch {
  readonly number: number;
  readonly rootId: string;
  readonly wrapped: Buffer;
}

async function currentEpoch(manager: EntityManager): Promise<CurrentEpoch> {
  const [row] = await manager.query<Array<{ number: number; root_id: string; wrapped: Buffer }>>(
    'SELECT number, root_id, wrapped FROM key_epoch ORDER BY number DESC LIMIT 1',
  );
  if (!row) throw new KeyBackupError("the keys' store is empty: no epoch has begun");
  const number = Number(row.number);
  // They would be lost with the root that the turn destroys.
  const behind = await manager.query<unknown[]>(
    'SELECT client_id FROM client_key WHERE node IS NOT NULL AND epoch <> ? LIMIT 1',
    [number],
  );
  if (behind.length > 0) {
    throw new KeyBackupError(
      `epoch ${number - 1} is ending, and not everything hangs under the next one yet; try again soon`,
    );
  }
  return { number, rootId: row.root_id, wrapped: row.wrapped };
}

async function migrationsOf(manager: EntityManager): Promise<string[]> {
  const rows = await manager.query<Array<{ name: string }>>('SELECT name FROM migrations ORDER BY name');
  return rows.map(({ name }) => name);
}

/** Sorts by store, epoch and time. */
const fileName = (store: string, epoch: number, at: string): string =>
  `${store.replaceAll(' ', '-')}-${String(epoch).padStart(6, '0')}-${at.replaceAll(':', '')}.remit-keys`;

/** Writes a file beside its place and moves it there once it is on the disk. */
async function writeWhole(path: string, content: () => AsyncGenerator<Buffer>): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    await pipeline(content, createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }));
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  const place = await open(folder, 'r');
  await place.sync();
  await place.close();
}
