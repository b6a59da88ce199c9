import type { DerivedKeyUse } from './derived-keys';
import { ClientKeyError } from './errors';
import type { KeyStore } from './key-store';

/** The platform's name among the clients in the keys' store. */
export const PLATFORM = 'platform';

/** The platform's key for one use, for what belongs to no client. Its secret is a client's, and made on first use. */
export async function platformKey(keys: KeyStore, use: DerivedKeyUse): Promise<Buffer> {
  try {
    return await keys.derivedKey(PLATFORM, use);
  } catch (error) {
    if (!(error instanceof ClientKeyError)) throw error;
    // Another replica may have made it at the same moment. Then that key counts.
    await keys.createClientKey(PLATFORM).catch(() => undefined);
    return keys.derivedKey(PLATFORM, use);
  }
}
