import { createHmac } from 'node:crypto';
import type { Access } from './access';

/**
 * Where the keys of pseudonyms come from: a root key, of which each client's is derived, or each access by itself.
 * All replicas of a service need the same, or the same person has another pseudonym on each.
 */
export type PseudonymKey = Uint8Array | 'per-access';

/** Fewer bytes than a digest has would make it easier to guess than need be. */
const FEWEST_BYTES = 32;

/** What is wrong with the key that `govern` was given, for a schema that has pseudonyms. */
export function pseudonymKeyFaults(key: PseudonymKey | undefined, pseudonymous: readonly string[]): string[] {
  const [first] = pseudonymous;
  if (first === undefined) return [];
  if (key === undefined) {
    return [
      `${first}: @deidentify(by: PSEUDONYM) needs a key that every replica shares; pass { pseudonymKey }, at least ` +
        `${FEWEST_BYTES} random bytes that are kept secret, or { pseudonymKey: 'per-access' } where each access brings its own`,
    ];
  }
  if (key === 'per-access' || key.byteLength >= FEWEST_BYTES) return [];
  return [`pseudonymKey: it has ${key.byteLength} bytes; at least ${FEWEST_BYTES} random ones are needed`];
}

/**
 * The key that pseudonyms of an access are made with: its own, or one that is derived from the root key for its client.
 * @throws {Error} where there is neither; nothing is given then
 */
export function pseudonymKeyOf(root: PseudonymKey | undefined, { pseudonymKey, client }: Access): Uint8Array {
  if (pseudonymKey) return pseudonymKey;
  if (root === undefined || root === 'per-access') throw new Error('the access brings no pseudonymKey');
  return createHmac('sha256', root)
    .update(client ?? '')
    .digest();
}
