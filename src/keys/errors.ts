import { ConfigurationError } from '../storage/errors';

/** Sealed bytes do not open with this key and associated data. On purpose it says nothing about the content. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
  readonly code = 'UNSEAL_FAILED';

  constructor() {
    super('The sealed value cannot be opened: wrong key, wrong place, or altered bytes.');
  }
}

/** A client's key is missing: it was never made (`ABSENT`), or destroyed (`DESTROYED`). */
export class ClientKeyError extends Error {
  override readonly name = 'ClientKeyError';
  readonly code: 'CLIENT_KEY_ABSENT' | 'CLIENT_KEY_DESTROYED';

  constructor(clientId: string, state: 'ABSENT' | 'DESTROYED') {
    super(
      state === 'ABSENT'
        ? `Client ${clientId} has no key in the keys' store. Is KEYS_DATABASE_URL the store that belongs to this data?`
        : `The key of client ${clientId} was destroyed; its personal data cannot be read any more.`,
    );
    this.code = `CLIENT_KEY_${state}`;
  }
}

/** A root of the key hierarchy is not there: it was destroyed, or lives elsewhere than the configuration says. */
export class RootKeyError extends ConfigurationError {}
