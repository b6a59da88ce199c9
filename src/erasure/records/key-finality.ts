import DataLoader from 'dataloader';
import { type EndingEpoch, endingEpochs } from '../../keys/epochs/ending';
import type { KeyStores, KeysPlace } from '../../keys/key-stores';
import { HOUR_MS, MINUTE_MS } from '../../law/calendar';
import type { EpochEnd } from './certificates';
import { digestOf } from './epoch-record';
import type { KeysDeleted } from './erasure-records';

/** Whether deleted keys are gone for good. */
export type Finality =
  /** `end` is undefined where no key was deleted, or epochs are off. */
  { readonly isFinal: true; readonly end: EpochEnd | undefined } | Awaited;

/** The epoch has not ended. */
interface Awaited {
  readonly isFinal: false;
  /** When it will be final, where that is known already: a key service keeps a destroyed root for some days. */
  readonly finalAt: number | null;
  /** By when it will be final, as far as can be foreseen, in milliseconds since 1970. */
  readonly expectedAt: number;
  /** When to ask again. */
  readonly askAt: number;
}

/** How late the task may come that turns epochs, and how long a turning may take. */
const TURNING_MS = HOUR_MS;
/** How often to ask while an epoch is ending, or is late. The turning wakes whatever waits for it. */
const AGAIN_MS = 15 * MINUTE_MS;
/** How often to ask where only the log of an embedded store stands between. */
const LOG_MS = 5_000;

/** Says since when, or by when, nothing that was ever written opens what was sealed by a client's deleted keys. */
export class KeyFinality {
  readonly #stores: KeyStores;
  readonly #now: () => number;
  /** Looks of the same moment share a statement. */
  readonly #ending = new Map<KeysPlace, DataLoader<number, EndingEpoch | undefined>>();

  constructor(stores: KeyStores, now: () => number) {
    this.#stores = stores;
    this.#now = now;
  }

  /** An epoch of the store with a client's keys; undefined where there is none. */
  async epoch(client: string, number: number): Promise<EndingEpoch | undefined> {
    return this.#endingIn(await this.#stores.of(client)).load(number);
  }

  /**
   * Since when, or by when, what a client deleted in an epoch is final, in milliseconds since 1970; null where it is
   * not known.
   */
  async foreseen(client: string, number: number): Promise<number | null> {
    const { everyMs } = (await this.#stores.of(client)).keys.epochs;
    const epoch = await this.epoch(client, number);
    if (epoch?.finalAt) return epoch.finalAt;
    return everyMs === undefined ? null : awaited(epoch, everyMs, this.#now()).expectedAt;
  }

  /** @param deleted when the client's keys were deleted; null where none were */
  async of(client: string, deleted: Pick<KeysDeleted, 'epoch'> | null): Promise<Finality> {
    if (deleted === null) return { isFinal: true, end: undefined };
    const place = await this.#stores.of(client);
    const { epochs } = place.keys;
    const now = this.#now();
    if (epochs.everyMs === undefined) {
      if (await epochs.isFinal(deleted.epoch)) return { isFinal: true, end: undefined };
      return { isFinal: false, finalAt: null, expectedAt: now + LOG_MS, askAt: now + LOG_MS };
    }
    const epoch = await this.#endingIn(place).load(deleted.epoch);
    const end = epoch && endOf(epoch, now);
    return end ? { isFinal: true, end } : awaited(epoch, epochs.everyMs, now);
  }

  #endingIn(place: KeysPlace): DataLoader<number, EndingEpoch | undefined> {
    const known = this.#ending.get(place);
    if (known) return known;
    const batch = async (numbers: readonly number[]) => {
      const found = await endingEpochs(place.source, [...new Set(numbers)]);
      return numbers.map((number) => found.get(number));
    };
    const loader = new DataLoader(batch, { cache: false, maxBatchSize: 500 });
    this.#ending.set(place, loader);
    return loader;
  }
}

function endOf({ number, finalAt, record }: EndingEpoch, now: number): EpochEnd | undefined {
  // An epoch without a record is just ending: whoever turns it writes the record last.
  if (finalAt === null || finalAt > now || record === null) return undefined;
  return { number, record: digestOf(record), at: finalAt };
}

function awaited(epoch: EndingEpoch | undefined, everyMs: number, now: number): Awaited {
  const { finalAt = null, state = 'CURRENT', begunAt = now } = epoch ?? {};
  if (finalAt !== null && finalAt > now) return { isFinal: false, finalAt, expectedAt: finalAt, askAt: finalAt };
  const due = state === 'CURRENT' ? begunAt + everyMs + TURNING_MS : now;
  const [expectedAt, askAt] = due > now ? [due, due] : [now + TURNING_MS, now + AGAIN_MS];
  return { isFinal: false, finalAt: null, expectedAt, askAt };
}
