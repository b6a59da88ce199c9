import { HOUR_MS } from '../../law/calendar';

/** A principal reads far more data subjects in a window of time than it did before. */
export interface SubjectsRule {
  readonly kind: 'SUBJECTS_BEYOND_OWN_PAST';
  readonly windowMs: number;
  /** How many times its mean over past windows with any access. */
  readonly times: number;
  /** Fewer subjects never raise an alert. */
  readonly atLeast: number;
  /** The threshold while there are too few past windows to compare with. */
  readonly withoutPast: number;
  readonly pastWindows: number;
}

/** A principal has something withheld in many operations in a row: somebody is probing. */
export interface WithheldRule {
  readonly kind: 'WITHHELD_IN_A_ROW';
  readonly operations: number;
}

/** Staff reads under a client's instruction outside working hours. */
export interface HoursRule {
  readonly kind: 'BREAK_GLASS_OUT_OF_HOURS';
  /** The prefix of the permission's title. */
  readonly permission: string;
  /** Working hours in UTC: from, and up to but not including. */
  readonly from: number;
  readonly to: number;
  /** Days of the week, 0 for Sunday. */
  readonly days: readonly number[];
}

export type AlertRule = SubjectsRule | WithheldRule | HoursRule;

/** The rules (statement G3). */
export const alertRules: readonly AlertRule[] = [
  {
    kind: 'SUBJECTS_BEYOND_OWN_PAST',
    windowMs: HOUR_MS,
    times: 5,
    atLeast: 200,
    withoutPast: 5_000,
    pastWindows: 168,
  },
  { kind: 'WITHHELD_IN_A_ROW', operations: 20 },
  { kind: 'BREAK_GLASS_OUT_OF_HOURS', permission: 'instruction ', from: 6, to: 20, days: [1, 2, 3, 4, 5] },
];
