import { backupHook } from '../../keys/backup/hook';
import type { TurnHooks, TurnResult } from '../../keys/epochs/epoch-state';
import type { KeyStores, KeysPlace } from '../../keys/key-stores';
import type { EpochRecords } from '../records/epoch-records';
import type { AwaitingErasures } from './awaiting-erasures';

type TurnOptions = Pick<TurnHooks, 'progress' | 'leaveDamaged'>;

/** What the turning of epochs did. */
export interface Turned {
  readonly turned: ReadonlyArray<TurnResult & { readonly store: string }>;
  /** How many erasures have waited for it. */
  readonly woken: number;
}

/** Turns epochs of keys: each one that ends leaves a signed record, and what has waited for its end is carried on. */
export class EpochTurning {
  readonly #stores: KeyStores;
  readonly #records: EpochRecords;
  readonly #awaiting: AwaitingErasures;
  readonly #backupFolder: string | undefined;

  /** @param backupFolder KEYS_BACKUP_DIR */
  constructor(stores: KeyStores, records: EpochRecords, awaiting: AwaitingErasures, backupFolder: string | undefined) {
    this.#stores = stores;
    this.#records = records;
    this.#awaiting = awaiting;
    this.#backupFolder = backupFolder;
  }

  /**
   * Ends the current epoch of each keys' store.
   * @throws as `Epochs.turn`
   */
  async turn(options: TurnOptions = {}): Promise<Turned> {
    const turned = [];
    for (const place of this.#stores.all()) {
      turned.push({ store: place.name, ...(await place.keys.epochs.turn(this.hooks(place, options))) });
    }
    return { turned, woken: await this.wake() };
  }

  /**
   * Has those erasures carried on whose epoch has ended.
   * @returns how many there are
   */
  wake(): Promise<number> {
    return this.#awaiting.wake();
  }

  /**
   * Ends the current epoch of each keys' store where it is time, and goes on with turnings that were interrupted.
   * @throws {AggregateError} where some did not end; the others have
   */
  async turnWhenDue(): Promise<void> {
    const places = this.#stores.all();
    const ended = await Promise.allSettled(places.map((place) => place.keys.epochs.turnWhenDue(this.hooks(place))));
    // Also where none ended now: whoever ended one may have died before it woke what waited.
    await this.wake();
    const failed = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (failed.length > 0) throw new AggregateError(failed, failed.map(({ message }) => message).join(' '));
  }

  /** What a turning of a store's epoch does beside it. */
  hooks(place: KeysPlace, options: TurnOptions = {}): TurnHooks {
    return {
      ...options,
      backup: backupHook(place, this.#backupFolder),
      record: (ended, what) => this.#records.make(place, ended, what),
    };
  }
}
