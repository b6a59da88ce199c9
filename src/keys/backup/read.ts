import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { epochContext } from '../epochs/epoch-keys';
import { UnsealError } from '../errors';
import type { RootKeys } from '../roots/root-keys';
import { openChunks } from './chunks';
import { KeyBackupError } from './errors';
import { type BackupHeader, openHeader, readHeader, rootDigest } from './header';
import { parseLines, type TableRows } from './rows';

/** A backup whose root is at hand. */
export interface OpenBackup {
  readonly header: BackupHeader;
  /** Its rows. That the file is whole is known at the end only: see {@link verify}. */
  tables(): AsyncGenerator<TableRows>;
  /** Reads it to the end. @throws {KeyBackupError} where anything is altered or missing */
  verify(): Promise<void>;
}

/** A file's header. @throws {KeyBackupError} for a file that is no backup of keys */
export async function headerOf(path: string): Promise<{ header: BackupHeader; bytes: Buffer }> {
  const file = await open(path, 'r');
  try {
    return await readHeader(file);
  } finally {
    await file.close();
  }
}

/**
 * Opens a backup with the roots that are here.
 * @throws {KeyBackupError} for another file, for one of an epoch that has ended, and for one that was altered
 */
export async function openBackup(path: string, roots: RootKeys): Promise<OpenBackup> {
  const found = await headerOf(path);
  const { header, bytes } = found;
  const rootId = (await roots.ids()).find((id) => rootDigest(id) === header.root);
  if (rootId === undefined) {
    throw new KeyBackupError(
      `it is of epoch ${header.epoch}, and the root of that epoch is not here. Where that epoch has ended, its root ` +
        'was destroyed and nobody can open the file any more: use the newest backup. Where it has not, it is of ' +
        'another installation, or another root is configured',
    );
  }
  const epochKey = await roots
    .unwrap(rootId, Buffer.from(header.epochKey, 'base64'), epochContext(header.epoch))
    .catch((error: unknown): never => {
      throw error instanceof UnsealError ? new KeyBackupError("the backup's header was altered") : error;
    });
  const contentKey = openHeader(found, epochKey);
  epochKey.fill(0);
  const tables = () => tablesIn(createReadStream(path, { start: bytes.length }), contentKey);
  return { header, tables, verify: () => verified(header, tables()) };
}

async function* tablesIn(sealed: AsyncIterable<Buffer>, key: Buffer): AsyncGenerator<TableRows> {
  const content = createGunzip();
  // A failure reaches the reader of the content.
  void pipeline(Readable.from(openChunks(sealed, key)), content).catch(() => undefined);
  yield* parseLines(content);
}

async function verified({ rows }: BackupHeader, tables: AsyncGenerator<TableRows>): Promise<void> {
  const missing = new Map(Object.entries(rows));
  for await (const { table, rows: some } of tables) missing.set(table, (missing.get(table) ?? 0) - some.length);
  const [wrong] = [...missing].filter(([, n]) => n !== 0);
  if (wrong) throw new KeyBackupError(`it holds other rows of ${wrong[0]} than its header says`);
}
