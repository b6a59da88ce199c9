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

/** Another process turns the epoch. */
export class EpochBusyError extends Error {
  override readonly name = 'EpochBusyError';
  readonly code = 'EPOCH_BUSY';

  constructor(number: number) {
    super(`Another process turns epoch ${number} of the keys. Wait for it; if it died, another can go on in a minute.`);
  }
}

/** Something still needs what an epoch's end would destroy. It is tried again. */
export class EpochUnfinishedError extends Error {
  override readonly name = 'EpochUnfinishedError';
  readonly code = 'EPOCH_UNFINISHED';

  constructor(number: number, why: string) {
    super(`Epoch ${number} of the keys has not ended yet: ${why}.`);
  }
}

/** Keys do not open that should, or are not there: it happened before the turning. It destroys nothing then. */
export class DamagedKeysError extends Error {
  override readonly name = 'DamagedKeysError';
  readonly code = 'DAMAGED_KEYS';

  /** @param fault what is wrong, as in `its node does not open` */
  constructor(client: string, fault: string) {
    super(
      `The keys of client ${client} are damaged: ${fault}. Its epoch is not ended, so that a backup of ` +
        'the keys can still mend it: put the row back, erase those persons, or turn with damaged keys left as they are.',
    );
  }
}
