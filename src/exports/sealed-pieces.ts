import { gunzipSync, gzipSync } from 'node:zlib';
import { decrypt, encrypt } from '../keys/aes-gcm';
import type { KeyStore } from '../keys/key-store';

/**
 * An export's key is random and belongs to its client. It is in the keys' store, like the keys of people. Destroying it
 * also makes the copy in every backup of the data unreadable (docs/pitfalls.md, 28; docs/statement.md, D2).
 */
export async function exportKey(keys: KeyStore, client: string, id: string): Promise<Buffer | undefined> {
  return (await keys.subjectKeys(client, [id])).get(id);
}

export async function exportKeyOrNew(keys: KeyStore, client: string, id: string): Promise<Buffer> {
  const key = (await exportKey(keys, client, id)) ?? (await keys.createSubjectKeys(client, [id])).get(id);
  if (!key) throw new Error('the export has no key');
  return key;
}

/** The number of a piece is part of its authenticated data, so swapped pieces do not decrypt. */
const placeOf = (client: string, id: string, place: number | 'progress') => `export:${client}:${id}:${place}`;

export const sealPiece = (key: Buffer, client: string, id: string, place: number | 'progress', bytes: Buffer): Buffer =>
  encrypt(key, gzipSync(bytes), placeOf(client, id, place));

/** @throws {UnsealError} when it is not the piece with this number */
export const openPiece = (
  key: Buffer,
  client: string,
  id: string,
  place: number | 'progress',
  sealed: Buffer,
): Buffer => gunzipSync(decrypt(key, sealed, placeOf(client, id, place)));
