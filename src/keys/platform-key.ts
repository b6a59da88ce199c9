import { ClientKeyError } from './errors';
import type { KeyStore } from './key-store';

/** The platform's name among the clients in the keys' store. */
export const PLATFORM = 'platform';

/** The platform's own key, for what belongs to no client. It is stored like a client's key and made on first use. */
export async function platformKey(keys: KeyStore): Promise<Buffer> {
  try {
    return await keys.clientKey(PLATFORM);
  } catch (error) {
    if (!(error instanceof ClientKeyError)) throw error;
    // Another replica may have made it at the same moment. Then that key counts.
    await keys.createClientKey(PLATFORM).catch(() => undefined);
    return keys.clientKey(PLATFORM);
  }
}
