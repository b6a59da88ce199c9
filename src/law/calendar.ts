/** A day of the calendar, `YYYY-MM-DD`. Days compare as texts. */
export type Day = string;

/** Lengths of time in milliseconds, for every module: this one is the lowest. */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** @throws {RangeError} unless it is a day that exists */
export function requireDay(text: string): Day {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && dayOf(Date.parse(`${text}T00:00:00Z`)) === text) return text;
  throw new RangeError(`"${text}" is not a day of the calendar: write YYYY-MM-DD`);
}

/** The day, in UTC, of a moment in milliseconds since 1970. */
export function dayOf(at: number): Day {
  return Number.isFinite(at) ? new Date(at).toISOString().slice(0, 10) : '';
}

/** The first moment of a day, in UTC, in milliseconds since 1970. */
export const startOf = (day: Day): number => Date.parse(`${requireDay(day)}T00:00:00Z`);

/** The first moment after a day. */
export const endOf = (day: Day): number => startOf(day) + DAY_MS;

export const addDays = (day: Day, days: number): Day => dayOf(startOf(day) + days * DAY_MS);

/**
 * The same day, months later, or the last day of that month where it has no such day. So Regulation (EEC, Euratom)
 * 1182/71 Art. 3(2)(c) ends a period of months (docs/pitfalls.md, 31).
 */
export function addMonths(day: Day, months: number): Day {
  const start = new Date(startOf(day));
  const first = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(start.getUTCDate(), last));
  return dayOf(first.getTime());
}

/** The same day, years later. 29 February becomes 28 February where the year has none. */
export const addYears = (day: Day, years: number): Day => addMonths(day, years * 12);
