import DataLoader from 'dataloader';
import type { EndingEpoch, Epochs } from '../../keys/epochs/epochs';
import { HOUR_MS, MINUTE_MS } from '../../law/calendar';
import type { EpochEnd } from './certificates';
import { digestOf } from './epoch-record';

/** Whether deleted keys are gone for good. */
export type Finality =
  /** `end` is undefined where no key was deleted, or epochs are off. */
  | { readonly isFinal: true; readonly end: EpochEnd | undefined }
  | {
      readonly isFinal: false;
      /** By when they will be, as far as is known, in milliseconds since 1970. */
      readonly expectedAt: number;
      /** When to ask again. */
      readonly askAt: number;
    };

/** How late the task may come that turns epochs, and how long a turning may take. */
const TURNING_MS = HOUR_MS;
/** How often to ask while an epoch is ending, or is late. The turning wakes whatever waits for it. */
const AGAIN_MS = 15 * MINUTE_MS;
/** How often to ask where only the log of an embedded store stands between. */
const LOG_MS = 5_000;

/** Says since when, or by when, nothing that was ever written opens what was sealed by a deleted key. */
export class KeyFinality {
  readonly #epochs: Epochs;
  readonly #now: () => number;
  /** Looks of the same moment share a statement. */
  readonly #ending: DataLoader<number, EndingEpoch | undefined>;

  constructor(epochs: Epochs, now: () => number) {
    this.#epochs = epochs;
    this.#now = now;
    const batch = async (numbers: readonly number[]) => {
      const found = await epochs.ending(numbers);
      return numbers.map((number) => found.get(number));
    };
    this.#ending = new DataLoader(batch, { cache: false, maxBatchSize: 500 });
  }

  /** The epoch of a number; undefined where there is none. */
  epoch(number: number): Promise<EndingEpoch | undefined> {
    return this.#ending.load(number);
  }

  /** @param number the epoch that keys were deleted in; null where none were */
  async of(number: number | null): Promise<Finality> {
    if (number === null) return { isFinal: true, end: undefined };
    const epoch = await this.epoch(number);
    const end = epoch && this.#endOf(epoch);
    if (end) return { isFinal: true, end };
    const { everyMs } = this.#epochs;
    const now = this.#now();
    if (everyMs === undefined) {
      if (await this.#epochs.isFinal(number)) return { isFinal: true, end: undefined };
      return { isFinal: false, expectedAt: now + LOG_MS, askAt: now + LOG_MS };
    }
    return { isFinal: false, ...whenOf(epoch, everyMs, now) };
  }

  #endOf({ number, finalAt, record }: EndingEpoch): EpochEnd | undefined {
    // An epoch without a record is just ending: whoever turns it writes the record last.
    if (finalAt === null || finalAt > this.#now() || record === null) return undefined;
    return { number, record: digestOf(record), at: finalAt };
  }
}

function whenOf(
  epoch: EndingEpoch | undefined,
  everyMs: number,
  now: number,
): { readonly expectedAt: number; readonly askAt: number } {
  if (epoch?.finalAt && epoch.finalAt > now) return { expectedAt: epoch.finalAt, askAt: epoch.finalAt };
  if (epoch && epoch.state !== 'CURRENT') return { expectedAt: now + TURNING_MS, askAt: now + AGAIN_MS };
  const due = (epoch?.begunAt ?? now) + everyMs + TURNING_MS;
  return due > now ? { expectedAt: due, askAt: due } : { expectedAt: now + TURNING_MS, askAt: now + AGAIN_MS };
}
