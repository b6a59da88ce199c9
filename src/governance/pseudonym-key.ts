import { createHmac } from 'node:crypto';
import type { Access } from './access';

/**
 * Where pseudonym keys come from: a root key, from which each client's is derived, or each access. All replicas of a
 * service need the same, or a person gets another pseudonym on each.
 */
export type PseudonymKey = Uint8Array | 'per-access';

/** As long as the digest: a shorter key would be easier to guess. */
const FEWEST_BYTES = 32;

/** Faults of the key that `govern` was given, if the schema makes pseudonyms. */
export function pseudonymKeyFaults(key: PseudonymKey | undefined, pseudonymous: readonly string[]): string[] {
  const [first] = pseudonymous;
  if (first === undefined) return [];
  if (key === undefined) {
    return [
      `${first}: @deidentify(by: PSEUDONYM) needs a key that every replica shares; ` +
        `pass { pseudonymKey }, at least ${FEWEST_BYTES} random bytes that are kept secret, ` +
        "or { pseudonymKey: 'per-access' } where each access brings its own",
    ];
  }
  if (key === 'per-access' || key.byteLength >= FEWEST_BYTES) return [];
  return [`pseudonymKey: it has ${key.byteLength} bytes; at least ${FEWEST_BYTES} random ones are needed`];
}

/**
 * The key for the pseudonyms of an access: its own, or one derived from the root key for its client.
 * @throws {Error} if there is neither; no pseudonym is made then
 */
export function pseudonymKeyOf(root: PseudonymKey | undefined, { pseudonymKey, client }: Access): Uint8Array {
  if (pseudonymKey) return pseudonymKey;
  if (root === undefined || root === 'per-access') throw new Error('the access brings no pseudonymKey');
  return createHmac('sha256', root)
    .update(client ?? '')
    .digest();
}
