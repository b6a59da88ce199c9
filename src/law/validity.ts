/** A time in which something holds: half-open, in milliseconds since 1970; null has no end. */
export interface Validity {
  readonly from: number;
  readonly to: number | null;
}

/** Whether it holds at a moment. */
export const covers = ({ from, to }: Validity, at: number): boolean => from <= at && (to === null || at < to);

/** From a moment up to the first of these ends; null and undefined end nothing. */
export function validUntil(from: number, ...ends: ReadonlyArray<number | null | undefined>): Validity {
  const known = ends.filter((end) => end !== null && end !== undefined);
  return { from, to: known.length === 0 ? null : Math.min(...known) };
}

/**
 * Since when a stop or a limit holds that one clock set for `from` and wrote down at `recorded`. Clocks differ: what
 * was to hold at once has held since ever, for whoever sees it. What was set for later comes by date.
 */
export const heldSince = (from: number, recorded: number): number =>
  from <= recorded ? Number.NEGATIVE_INFINITY : from;

/** The moments at which it begins or ceases to hold. */
const changesOf = ({ from, to }: Validity): number[] => (to === null ? [from] : [from, to]);

/** The next moment at which any of them begins or ceases to hold; Infinity where none does. */
export function nextChangeOf(validities: Iterable<Validity>, at: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const validity of validities) {
    for (const moment of changesOf(validity)) if (moment > at && moment < next) next = moment;
  }
  return next;
}
