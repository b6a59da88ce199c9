import { addDays, addMonths, addYears, type Day, dayOf, endOf } from './calendar';
import type { Sourced } from './sourced';

/** A length of time, as the law that sets it counts. */
export type Period = { readonly months: number } | { readonly years: number } | { readonly days: number };

/** A time limit that a law sets. */
export interface Deadline extends Sourced {
  readonly article: string;
  readonly period: Period;
  /** What the period may be extended to, counted from the same start. */
  readonly extendedTo?: Period;
  /** What an extension asks for. */
  readonly extension?: string;
}

/** Deletion after the agreement's end, or of a customer's data on request: at most so many days later. */
export const statementDeletion = {
  article: 'statement D1, D2',
  period: { days: 90 },
  source: 'the privacy statement: at most 90 days',
} as const satisfies Deadline;

/** The years before that an accounting of disclosures covers. */
export const hipaaLookBack = {
  article: '45 CFR § 164.528(a)',
  period: { years: 6 },
  source: '45 CFR Part 164',
} as const satisfies Deadline;

/** How long documentation is kept, from its creation or its last day in effect, whichever is later. */
export const hipaaDocumentation = {
  article: '45 CFR § 164.316(b)(2)(i)',
  period: { years: 6 },
  source: '45 CFR Part 164',
} as const satisfies Deadline;

export interface Due {
  /** The last day on which it is in time. */
  readonly on: Day;
  /** The first moment that is too late, in milliseconds since 1970. */
  readonly before: number;
  readonly article: string;
}

/**
 * When a time limit ends. The day of the event is not counted (Reg. 1182/71 Art. 3(1)). That Art. 3(4) moves a last day
 * on a weekend to the next working day is not used: earlier is in time too, and needs no calendar of holidays.
 * @param from milliseconds since 1970 of the event, which falls on a day in UTC
 * @param extended whether the extension was taken, and said in time
 * @throws {RangeError} where an extension is asked of a time limit that has none
 */
export function due(deadline: Deadline, from: number, extended = false): Due {
  const period = extended ? deadline.extendedTo : deadline.period;
  if (!period) throw new RangeError(`${deadline.article} cannot be extended`);
  const before = endOf(dayAfter(period, dayOf(from)));
  return { on: dayOf(before - 1), before, article: deadline.article };
}

function dayAfter(period: Period, day: Day): Day {
  if ('months' in period) return addMonths(day, period.months);
  return 'years' in period ? addYears(day, period.years) : addDays(day, period.days);
}
