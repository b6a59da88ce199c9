import { createHmac, randomBytes } from 'node:crypto';
import { quickest } from '../keys/key-form';
import { seal, unseal } from '../keys/sealing';

/** A cursor that this installation did not make, or made for another client or place. */
export class CursorError extends Error {
  override readonly name = 'CursorError';
  readonly code = 'BAD_CURSOR';

  constructor() {
    super('The cursor is not valid here. Take cursors from pageInfo or edges of the same connection.');
  }
}

const CURSOR_SALT_BYTES = 16;
const CURSOR_AAD = 'remit/v1/cursor|';

/**
 * An opaque, authenticated Relay cursor. Two cursors of one row differ, so that a cursor is no pseudonym.
 *
 * Each is sealed with its own key, derived from the client's by a random salt. Pages are read far more often than rows
 * are written, and one AES-GCM key allows 2^32 random vectors at most (NIST SP 800-38D §8.3).
 *
 * @param key the client's derived key for `cursor`
 * @param payload anything that JSON can hold
 * @param place where the cursor is valid; it opens nowhere else
 */
export function sealCursor(key: Buffer, payload: unknown, place: string): string {
  const salt = randomBytes(CURSOR_SALT_BYTES);
  return Buffer.concat([salt, seal(cursorKey(key, salt), payload, CURSOR_AAD + place)]).toString('base64url');
}

/**
 * Opens what {@link sealCursor} made.
 *
 * @param keys any of which may have sealed it
 * @throws CursorError for any other text
 */
export function openCursor(keys: readonly Buffer[], cursor: string, place: string): unknown {
  const bytes = Buffer.from(cursor, 'base64url');
  // Node's decoder skips characters that are not base64url. Only the spelling that we wrote is ours.
  if (bytes.toString('base64url') !== cursor) throw new CursorError();
  const salt = bytes.subarray(0, CURSOR_SALT_BYTES);
  for (const key of keys.toReversed()) {
    try {
      return unseal(cursorKey(key, salt), bytes.subarray(CURSOR_SALT_BYTES), CURSOR_AAD + place);
    } catch {
      // Not sealed with this one.
    }
  }
  throw new CursorError();
}

function cursorKey(key: Buffer, salt: Buffer): Buffer {
  return createHmac('sha256', quickest(key)).update(salt).digest();
}
