import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './aes-gcm';
import { CursorError, UnsealError } from './errors';
import { formsOf, type Identifier } from './identifiers/forms';

/**
 * Seals a value under a key: what a sealed column holds (blueprint §5, statement G1).
 *
 * @param key the subject's own key, 32 bytes
 * @param value anything that JSON can say
 * @param aad where the value belongs (client, subject, table), so that sealed bytes moved elsewhere do not open
 * @returns version byte 1 | 12-byte iv | ciphertext | 16-byte tag
 * @throws TypeError for a value that JSON cannot say (undefined, a function)
 */
export function seal(key: Buffer, value: unknown, aad: string): Buffer {
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError('Only a JSON value can be sealed.');
  return encrypt(key, Buffer.from(json, 'utf8'), aad);
}

/**
 * Opens what {@link seal} made.
 *
 * @throws UnsealError, which says nothing of the content, on another key or aad or on altered bytes
 */
export function unseal(key: Buffer, sealed: Buffer, aad: string): unknown {
  const json = decrypt(key, sealed, aad).toString('utf8');
  try {
    return JSON.parse(json);
  } catch {
    // The parser's own error quotes the text.
    throw new UnsealError();
  }
}

export type DerivedKeyUse =
  | 'blind-index'
  | 'pseudonym'
  | 'cursor'
  | 'tombstone'
  | 'ledger'
  | 'signing'
  | 'webhook'
  | 'audit-principal'
  | 'audit-decision'
  | 'audit-signing';

/** A key of 32 bytes for one use, derived from a client's key by HKDF-SHA256 (RFC 5869). */
export function deriveKey(clientKey: Buffer, use: DerivedKeyUse): Buffer {
  return Buffer.from(hkdfSync('sha256', clientKey, Buffer.alloc(0), `remit/v1/${use}`, 32));
}

export type BlindIndexKind = 'email' | 'phone' | 'socialHandle' | 'externalId';

/**
 * The blind index of an identifier: equal for equal identifiers of one kind at one client, and telling nothing else. What
 * is hashed is the identifier's canonical form (identifiers/forms.ts).
 *
 * @param key the client's derived key for `blind-index`
 * @returns base64url, 43 characters; null where it identifies nobody: a placeholder, a phone without a digit
 */
export function blindIndex(key: Buffer, identifier: Identifier): string | null {
  const forms = formsOf(identifier);
  return forms ? digestOf(key, identifier.kind, forms.stored) : null;
}

/** The blind indexes of the rows that an identifier may mean; none where it identifies nobody. */
export function soughtIndexes(key: Buffer, identifier: Identifier): string[] {
  return (formsOf(identifier)?.sought ?? []).map((form) => digestOf(key, identifier.kind, form));
}

/** The blind index of an attribute's key, among its person's own: equal keys of two people have indexes that do not tell it. */
export function attributeKeyIndex(key: Buffer, person: string, attributeKey: string): string {
  return createHmac('sha256', key).update(`attributeKey\0${person}\0${attributeKey}`, 'utf8').digest('base64url');
}

/** A keyed digest of one form of an identifier: HMAC-SHA256 in base64url, 43 characters. */
export function digestOf(key: Buffer, kind: BlindIndexKind, form: string): string {
  return createHmac('sha256', key).update(`${kind}\0${form}`, 'utf8').digest('base64url');
}

const MAC_BYTES = 16;

/** HMAC-SHA256 of a text, cut to 128 bits: what calls something by a name that only the key's holder can make. Base64url. */
export const macOf = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest().subarray(0, MAC_BYTES).toString('base64url');

const CURSOR_SALT_BYTES = 16;
const CURSOR_AAD = 'remit/v1/cursor|';

/**
 * An opaque, authenticated Relay cursor. Two cursors of one row differ, so that a cursor is no pseudonym.
 *
 * Each is sealed under a key of its own, drawn from the client's by a random salt: pages are read far more often than
 * rows are written, and one AES-GCM key bears 2^32 random vectors at most (NIST SP 800-38D §8.3).
 *
 * @param key the client's derived key for `cursor`
 * @param payload anything that JSON can say
 * @param place where the cursor is good; it opens nowhere else
 */
export function sealCursor(key: Buffer, payload: unknown, place: string): string {
  const salt = randomBytes(CURSOR_SALT_BYTES);
  return Buffer.concat([salt, seal(cursorKey(key, salt), payload, CURSOR_AAD + place)]).toString('base64url');
}

/**
 * Opens what {@link sealCursor} made.
 *
 * @throws CursorError for any other text
 */
export function openCursor(key: Buffer, cursor: string, place: string): unknown {
  const bytes = Buffer.from(cursor, 'base64url');
  // Node's decoder skips what is not base64url: only the one spelling that we wrote is ours.
  if (bytes.toString('base64url') !== cursor) throw new CursorError();
  const salt = bytes.subarray(0, CURSOR_SALT_BYTES);
  try {
    return unseal(cursorKey(key, salt), bytes.subarray(CURSOR_SALT_BYTES), CURSOR_AAD + place);
  } catch {
    throw new CursorError();
  }
}

function cursorKey(key: Buffer, salt: Buffer): Buffer {
  return createHmac('sha256', key).update(salt).digest();
}
