import type { ErasureModule } from './erasure/module';
import type { TurnHooks, TurnResult } from './keys/epochs/epochs';
import type { KeyStores, KeysPlace } from './keys/key-stores';

/** What the turning of epochs did. */
export interface Turned {
  readonly turned: ReadonlyArray<TurnResult & { readonly store: string }>;
  /** How many erasures have waited for it. */
  readonly woken: number;
}

/**
 * Turns the epochs of all keys' stores: each turning that ends leaves a signed record, and what has waited for it is
 * carried on.
 */
export class EpochTurning {
  readonly #stores: KeyStores;
  readonly #erasure: Pick<ErasureModule, 'epochRecords' | 'awaiting'>;

  constructor(stores: KeyStores, erasure: Pick<ErasureModule, 'epochRecords' | 'awaiting'>) {
    this.#stores = stores;
    this.#erasure = erasure;
  }

  /** Ends the current epoch of each store. */
  async turn(progress?: TurnHooks['progress']): Promise<Turned> {
    const turned = [];
    for (const place of this.#stores.all()) {
      turned.push({ store: place.name, ...(await place.keys.epochs.turn(this.hooks(place, progress))) });
    }
    return { turned, woken: await this.#erasure.awaiting.wake() };
  }

  /** What a turning of a store's epoch does beside it. */
  hooks(place: KeysPlace, progress?: TurnHooks['progress']): TurnHooks {
    return {
      record: (ended, what) => this.#erasure.epochRecords.make(place, ended, what),
      ...(progress ? { progress } : {}),
    };
  }
}
