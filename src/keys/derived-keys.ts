import { createHmac } from 'node:crypto';

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
  | 'audit-signing'
  | 'rate-share'
  | 'idempotency';

/** A key of 32 bytes for one use, derived from a client's secret: HKDF-SHA256's second step (RFC 5869, 2.3). */
export function deriveKey(secret: Buffer, use: DerivedKeyUse): Buffer {
  return createHmac('sha256', secret).update(`remit/v1/${use}\x01`).digest();
}

/** The client's secret that follows from a key from before epochs: HKDF-SHA256's first step (RFC 5869, 2.2). */
export function secretOf(clientKey: Buffer): Buffer {
  return createHmac('sha256', Buffer.alloc(32)).update(clientKey).digest();
}

const MAC_BYTES = 16;

/** HMAC-SHA256 of a text, cut to 128 bits, in base64url: a name that only the holder of the key can compute. */
export const macOf = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest().subarray(0, MAC_BYTES).toString('base64url');
