import { createHmac } from 'node:crypto';
import { quickest } from './key-form';

/**
 * What the replacement of a client's secret means for a key that is derived from it:
 * - MOVED: what was made with the old key is made anew from sealed values, and the old key ends
 * - OVERLAPS: both keys are taken until the old one ends; what was made with it is refused from then on
 * - CHANGES: the new key is used alone from its first day on
 * - KEPT: the old key stays, by itself, since what it made cannot be made anew: an entry of the ledger, the digest of
 *   an identifier whose plain text is gone. New things are made with the new key; old ones are found by the old
 * - PLATFORM: only the platform's own secret gives it, which is no client's
 */
export type Replacement = 'MOVED' | 'OVERLAPS' | 'CHANGES' | 'KEPT' | 'PLATFORM';

/** Every use of a key that is derived from a secret; docs/key-rotation.md says what each means to people. */
export const derivedUses = {
  'blind-index': 'MOVED',
  cursor: 'OVERLAPS',
  pseudonym: 'CHANGES',
  tombstone: 'KEPT',
  ledger: 'KEPT',
  'audit-principal': 'KEPT',
  'audit-decision': 'KEPT',
  signing: 'PLATFORM',
  webhook: 'PLATFORM',
  'audit-signing': 'PLATFORM',
  'rate-share': 'PLATFORM',
  idempotency: 'PLATFORM',
} as const satisfies Record<string, Replacement>;

export type DerivedKeyUse = keyof typeof derivedUses;

/** The uses whose old keys stay when the secret that gave them is destroyed. */
export const keptUses: readonly DerivedKeyUse[] = (Object.keys(derivedUses) as DerivedKeyUse[]).filter(
  (use) => derivedUses[use] === 'KEPT',
);

/** A client's keys for one use, one for each secret that still gives one. */
export interface DerivedKeys {
  /** The key that new things are made with. */
  readonly current: Buffer;
  /** Every key that things may have been made with, the oldest first. */
  readonly all: readonly Buffer[];
}

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
  createHmac('sha256', quickest(key)).update(text).digest().subarray(0, MAC_BYTES).toString('base64url');
