import { createHmac, hkdfSync } from 'node:crypto';

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

/** A key of 32 bytes for one use, derived from a client's key by HKDF-SHA256 (RFC 5869). */
export function deriveKey(clientKey: Buffer, use: DerivedKeyUse): Buffer {
  return Buffer.from(hkdfSync('sha256', clientKey, Buffer.alloc(0), `remit/v1/${use}`, 32));
}

const MAC_BYTES = 16;

/** HMAC-SHA256 of a text, cut to 128 bits, in base64url: a name that only the holder of the key can compute. */
export const macOf = (key: Buffer, text: string): string =>
  createHmac('sha256', key).update(text).digest().subarray(0, MAC_BYTES).toString('base64url');
