import { HOUR_MS } from '../../law/calendar';
/** A principal reads far more subjects within a time than it did before. */
export interface SubjectsRule {
  readonly kind: 'SUBJECTS_BEYOND_OWN_PAST';
  readonly windowMs: number;
  /** How many times its mean of the windows in which it read anything. */
  readonly times: number;
  /** Fewer never raise it. */
  readonly atLeast: number;
  /** What raises it where there are too few windows to compare with. */
  readonly withoutPast: number;
  readonly pastWindows: number;
}

/** Operation after operation of a principal has something withheld: somebody is trying doors. */
export interface WithheldRule {
  readonly kind: 'WITHHELD_IN_A_ROW';
  readonly operations: number;
}

/** Staff reads under a client's instruction when nobody is at work. */
export interface HoursRule {
  readonly kind: 'BREAK_GLASS_OUT_OF_HOURS';
  /** How the permission's title begins. */
  readonly permission: string;
  /** Hours of the day in UTC, from and up to. */
  readonly from: number;
  readonly to: number;
  /** Days of the week, 0 for Sunday. */
  readonly days: readonly number[];
}

export type AlertRule = SubjectsRule | WithheldRule | HoursRule;

/** What is alerted of (statement G3). */
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
