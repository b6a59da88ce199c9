import { type Day, endOf, startOf } from './calendar';
import { covers, type Validity } from './validity';

/** A fact of law: where it can be read, and its name in the W3C Data Privacy Vocabulary 2.3 where it has one. */
export interface Sourced {
  readonly source: string;
  readonly dpv?: string;
}

/** A fact with first and last day in force. Days are UTC days. */
export interface Dated {
  /** The first day in force. */
  readonly from: Day;
  /** The last day in force. Absent while no end is known. */
  readonly to?: Day;
}

/** The moments between which a dated fact is in force. */
export const validityOf = ({ from, to }: Dated): Validity => ({
  from: startOf(from),
  to: to === undefined ? null : endOf(to),
});

/** @param at milliseconds since 1970 */
export const inForce = (fact: Dated, at: number): boolean => covers(validityOf(fact), at);

/** ISO 3166-1 alpha-2. */
export type Country = string;
