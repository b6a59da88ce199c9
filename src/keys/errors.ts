/** Sealed bytes that this key and this associated data do not open. It says nothing of the content on purpose. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
  readonly code = 'UNSEAL_FAILED';

  constructor() {
    super('The sealed value cannot be opened: wrong key, wrong place, or altered bytes.');
  }
}

/** A client's key that is not there to be used: never made (`ABSENT`), or gone for good (`DESTROYED`). */
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
