/** A setting that cannot work. The message names the variable and the mend, and never carries a password. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code = 'CONFIGURATION';

  constructor(
    readonly variable: string,
    fault: string,
    options?: ErrorOptions,
  ) {
    super(`${variable}: ${fault}`, options);
  }
}

/** Sealed bytes that this key and this associated data do not open. It says nothing of the content on purpose. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
  readonly code = 'UNSEAL_FAILED';

  constructor() {
    super('The sealed value cannot be opened: wrong key, wrong place, or altered bytes.');
  }
}

/** A cursor that this installation did not make, or made for another client. */
export class CursorError extends Error {
  override readonly name = 'CursorError';
  readonly code = 'BAD_CURSOR';

  constructor() {
    super('The cursor is not valid here. Take cursors from pageInfo or edges of the same connection.');
  }
}

/** Something would be written about a person who is being erased, or is not there any more. */
export class PersonGoneError extends Error {
  override readonly name = 'PersonGoneError';
  readonly code = 'PERSON_GONE';

  constructor() {
    super('The person is being erased, or is not there; nothing is written about them.');
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

/** Another process holds the migration lock and did not finish in time. */
export class MigrationLockError extends Error {
  override readonly name = 'MigrationLockError';
  readonly code = 'MIGRATION_LOCKED';

  constructor(waitedMs: number) {
    super(
      `Another process has been migrating this database for more than ${Math.round(waitedMs / 1000)} s. ` +
        'Wait for it; if it died, its lock lapses by itself within a minute.',
    );
  }
}
