import type { ChangeRecorder } from '../../identity/change-recorder';
import type { EpochState, TurnResult } from '../../keys/epochs/epoch-state';
import type { KeyStores, KeysPlace } from '../../keys/key-stores';
import { digestOf, signEpochRecord } from './epoch-record';
import type { SigningKeys } from './signing-keys';

/** Signs the records of epochs that have ended, each with the one before it, and writes them into the audit ledger. */
export class EpochRecords {
  readonly #stores: KeyStores;
  readonly #signingKeys: SigningKeys;
  readonly #recorder: ChangeRecorder;

  constructor(stores: KeyStores, signingKeys: SigningKeys, recorder: ChangeRecorder) {
    this.#stores = stores;
    this.#signingKeys = signingKeys;
    this.#recorder = recorder;
  }

  /**
   * Makes the record of an epoch of a keys' store. A process that dies before the record is stored makes it again; the
   * ledger then has two entries about it.
   */
  async make({ name: store, keys }: KeysPlace, ended: EpochState, what: TurnResult): Promise<string> {
    const epochs = await keys.epochs.list();
    const next = epochs.find(({ number }) => number > ended.number);
    if (!next) throw new Error(`epoch ${ended.number} has ended, and none comes after it`);
    const before = epochs.filter(({ number, record }) => number < ended.number && record !== null);
    const record = await signEpochRecord(this.#signingKeys, {
      ...{ store, ended, next, what },
      previous: before.at(-1)?.record ?? null,
    });
    await this.#recorder.record('KEY_EPOCH_ENDED', {
      principal: 'keys',
      details: { store, epoch: ended.number, record: digestOf(record) },
    });
    return record;
  }

  /** The signed records of all epochs that have ended, store by store, the first one first. */
  async all(): Promise<string[]> {
    const records: string[] = [];
    for (const { keys } of this.#stores.all()) {
      for (const { record } of await keys.epochs.list()) if (record !== null) records.push(record);
    }
    return records;
  }
}
