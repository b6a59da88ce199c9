import { type Day, endOf, startOf } from './calendar';

/** A fact of law: where it can be read, and its name in the W3C Data Privacy Vocabulary 2.3 where it has one. */
export interface Sourced {
  readonly source: string;
  readonly dpv?: string;
}

/** A fact that holds for a time; days are UTC days, both are in force. */
export interface Dated {
  /** The first day in force. */
  readonly from: Day;
  /** The last day in force; absent while no end is known. */
  readonly to?: Day;
}

/** @param at milliseconds since 1970 */
export function inForce({ from, to }: Dated, at: number): boolean {
  return startOf(from) <= at && (to === undefined || at < endOf(to));
}

/** The moments at which a fact begins or ceases to hold. */
export const changesOf = ({ from, to }: Dated): number[] =>
  to === undefined ? [startOf(from)] : [startOf(from), endOf(to)];

/** ISO 3166-1 alpha-2. */
export type Country = string;
