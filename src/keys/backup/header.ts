import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { decrypt, encrypt } from '../aes-gcm';
import { UnsealError } from '../errors';
import { KeyBackupError } from './errors';

/** Begins every file. The number is the format's. */
const MAGIC = 'remit-keys-backup/1\n';
/** No header is longer. Bytes. */
const LONGEST_HEADER = 256 * 1024;
const FILE_KEY_BYTES = 32;

const base64 = z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/);

const shape = z.strictObject({
  /** The epoch under whose key the file is, and a digest of the name of its root. */
  epoch: z.int().positive(),
  root: z.string(),
  /** Which keys' store it is of: `keys`, or one of a region. */
  store: z.string(),
  /** When the state that it holds was read. */
  at: z.iso.datetime(),
  /** The store's migrations: a store of another version is not filled. */
  migrations: z.array(z.string()),
  /** How many rows it holds, by table. */
  rows: z.record(z.string(), z.int().nonnegative()),
  /** The epoch's key, wrapped by its root as in `key_epoch`. */
  epochKey: base64,
  /** The file's key, wrapped by the epoch's. */
  fileKey: base64,
});

/** What stands at the beginning of a backup, in plain text. It is authenticated with the content. */
export type BackupHeader = z.output<typeof shape>;

/** Recognises a root without naming it: SHA-256 of its id, in base64url. */
export const rootDigest = (rootId: string): string =>
  createHash('sha256').update(`remit/v1/root\0${rootId}`).digest('base64url');

/** Makes a file's key and its header. @param epochKey the epoch's own key, 32 bytes */
export function newHeader(
  what: Omit<BackupHeader, 'fileKey'>,
  epochKey: Buffer,
): { readonly bytes: Buffer; readonly contentKey: Buffer } {
  const fileKey = randomBytes(FILE_KEY_BYTES);
  const header = { ...what, fileKey: encrypt(epochKey, fileKey, contextOf(what)).toString('base64') };
  const bytes = Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`, 'utf8');
  return { bytes, contentKey: contentKeyOf(fileKey, bytes) };
}

/**
 * Reads a file's header, without proof that it was not altered.
 * @throws {KeyBackupError} for a file that is no backup, or of a later format
 */
export async function readHeader(file: FileHandle): Promise<{ header: BackupHeader; bytes: Buffer }> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_HEADER), 0, LONGEST_HEADER, 0);
  const start = buffer.subarray(0, bytesRead);
  if (!start.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC))) {
    const other = /^remit-keys-backup\/(\d+)\n/.exec(start.toString('latin1', 0, 40))?.[1];
    throw new KeyBackupError(
      other === undefined
        ? 'it is no backup of keys (remit keys backup)'
        : `it is of format ${other}: this version knows format 1; use the version that wrote it`,
    );
  }
  const end = start.indexOf('\n', MAGIC.length);
  try {
    const header = shape.parse(JSON.parse(start.toString('utf8', MAGIC.length, end)));
    return { header, bytes: start.subarray(0, end + 1) };
  } catch {
    throw new KeyBackupError('its header is damaged or cut off');
  }
}

/**
 * The key of a file's content. It covers the header: with an altered header it opens nothing.
 * @throws {KeyBackupError} where the epoch's key did not wrap it
 */
export function openHeader({ header, bytes }: { header: BackupHeader; bytes: Buffer }, epochKey: Buffer): Buffer {
  try {
    return contentKeyOf(decrypt(epochKey, Buffer.from(header.fileKey, 'base64'), contextOf(header)), bytes);
  } catch (error) {
    if (error instanceof UnsealError) throw new KeyBackupError("the backup's header was altered");
    throw error;
  }
}

function contentKeyOf(fileKey: Buffer, header: Buffer): Buffer {
  const salt = createHash('sha256').update(header).digest();
  const key = Buffer.from(hkdfSync('sha256', fileKey, salt, 'remit/v1/keys-backup', FILE_KEY_BYTES));
  fileKey.fill(0);
  return key;
}

const contextOf = ({ epoch, root, store }: Pick<BackupHeader, 'epoch' | 'root' | 'store'>): string =>
  `keys-backup:${store}:${epoch}:${root}`;
