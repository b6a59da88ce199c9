import type { ChangeRecorder } from '../../identity/change-recorder';
import type { EpochState, TurnResult } from '../../keys/epochs/epochs';
import type { KeyStore } from '../../keys/key-store';
import { digestOf, signEpochRecord } from './epoch-record';
import type { SigningKeys } from './signing-keys';

/** Signs the records of epochs that have ended, each with the one before it, and writes them into the audit ledger. */
export class EpochRecords {
  readonly #keys: KeyStore;
  readonly #signingKeys: SigningKeys;
  readonly #recorder: ChangeRecorder;

  constructor(keys: KeyStore, signingKeys: SigningKeys, recorder: ChangeRecorder) {
    this.#keys = keys;
    this.#signingKeys = signingKeys;
    this.#recorder = recorder;
  }

  /**
   * Makes the record of an epoch. A process that dies before the record is stored makes it again; the ledger then has
   * two entries about it.
   */
  readonly make = async (ended: EpochState, what: TurnResult): Promise<string> => {
    const epochs = await this.#keys.epochs.list();
    const next = epochs.find(({ number }) => number > ended.number);
    if (!next) throw new Error(`epoch ${ended.number} has ended, and none comes after it`);
    const before = epochs.filter(({ number, record }) => number < ended.number && record !== null);
    const record = await signEpochRecord(this.#signingKeys, {
      ...{ ended, next, what },
      previous: before.at(-1)?.record ?? null,
    });
    await this.#recorder.record('KEY_EPOCH_ENDED', {
      principal: 'keys',
      details: { epoch: ended.number, record: digestOf(record), destroyed: what.destroyed },
    });
    return record;
  };

  /** The signed records of all epochs that have ended, the first one first. */
  async all(): Promise<string[]> {
    const epochs = await this.#keys.epochs.list();
    return epochs.flatMap(({ record }) => (record === null ? [] : [record]));
  }
}
