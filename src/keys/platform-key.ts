import { ClientKeyError } from './errors';
import type { KeyStore } from './key-store';

/** Whose the key is, in the store of clients' keys. */
export const PLATFORM = 'platform';

/** The key of the platform itself, for what is no client's; kept like a client's, and made on first use. */
export async function platformKey(keys: KeyStore): Promise<Buffer> {
  try {
    return await keys.clientKey(PLATFORM);
  } catch (error) {
    if (!(error instanceof ClientKeyError)) throw error;
    // Another replica may make it at the same moment; then its key is the one.
    await keys.createClientKey(PLATFORM).catch(() => undefined);
    return keys.clientKey(PLATFORM);
  }
}
