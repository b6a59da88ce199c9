import { addDays, addMonths, addWorkingDays, addYears, type Day, dayOf, endOf, HOUR_MS } from './calendar';
import type { Sourced } from './sourced';

/** A length of time, as the law that sets it counts. */
export type Period =
  | { readonly months: number }
  | { readonly years: number }
  | { readonly days: number }
  | { readonly businessDays: number }
  | { readonly hours: number };

/** A time limit that a law sets. */
export interface Deadline extends Sourced {
  readonly article: string;
  readonly what: string;
  readonly period: Period;
  /** What the period may be extended to, counted from the same start. */
  readonly extendedTo?: Period;
  /** What an extension asks for. */
  readonly extension?: string;
}

const gdpr = 'Regulation (EU) 2016/679; counting: Regulation (EEC, Euratom) 1182/71 Art. 3(2)(c)';
const hipaa = '45 CFR Part 164';
const ccpa = '11 CCR § 7021 (CCPA regulations)';

/**
 * Time limits, as they stood on 2026-08-05. GDPR Art. 33(2) sets none: a processor notifies the controller of a breach
 * "without undue delay".
 */
export const deadlines = {
  GDPR_REQUEST: {
    article: 'GDPR Art. 12(3)',
    what: 'answer a request of a data subject',
    period: { months: 1 },
    extendedTo: { months: 3 },
    extension: 'the person is told, with the reasons, within the first month',
    source: gdpr,
  },
  GDPR_BREACH_AUTHORITY: {
    article: 'GDPR Art. 33(1)',
    what: 'the controller notifies a breach to the supervisory authority',
    period: { hours: 72 },
    source: `${gdpr}; the Digital Omnibus proposal of 2025-11-19 (96 hours) is not in force`,
    dpv: 'https://w3id.org/dpv/legal/eu/gdpr#DPABreachNotice',
  },
  CCPA_CONFIRM: {
    article: '11 CCR § 7021(a)',
    what: 'confirm the receipt of a request',
    period: { businessDays: 10 },
    source: ccpa,
  },
  CCPA_RESPOND: {
    article: '11 CCR § 7021(b)',
    what: 'respond to a request; verification does not stop the clock',
    period: { days: 45 },
    extendedTo: { days: 90 },
    extension: 'the person is told, with the reasons, within the first 45 days',
    source: ccpa,
  },
  HIPAA_ACCOUNTING: {
    article: '45 CFR § 164.528(c)',
    what: 'give an accounting of disclosures',
    period: { days: 60 },
    extendedTo: { days: 90 },
    extension: 'once, with a written statement of the reasons within the first 60 days',
    source: `${hipaa}; the extension: § 164.528(c)(1)(ii)`,
  },
  HIPAA_LOOK_BACK: {
    article: '45 CFR § 164.528(a)',
    what: 'the years that an accounting of disclosures covers',
    period: { years: 6 },
    source: hipaa,
  },
  HIPAA_BREACH_COVERED_ENTITY: {
    article: '45 CFR § 164.410(b)',
    what: 'the business associate notifies the covered entity of a breach, without unreasonable delay',
    period: { days: 60 },
    source: hipaa,
  },
  HIPAA_DOCUMENTATION: {
    article: '45 CFR § 164.316(b)(2)(i)',
    what: 'keep documentation, from its creation or its last day in effect, whichever is later',
    period: { years: 6 },
    source: hipaa,
  },
  STATEMENT_DELETION: {
    article: 'statement D1, D2',
    what: "delete after the agreement's end, or a customer's data on request",
    period: { days: 90 },
    source: 'the privacy statement: at most 90 days',
  },
} as const satisfies Record<string, Deadline>;

export type DeadlineName = keyof typeof deadlines;

export interface Due {
  /** The last day on which it is in time; with a period of hours the day that its last moment falls on. */
  readonly on: Day;
  /** The first moment that is too late, in milliseconds since 1970. */
  readonly before: number;
  readonly article: string;
}

export interface Counting {
  /** Whether the extension was taken, and said in time. */
  readonly extended?: boolean;
  /** Days besides Saturday and Sunday that are no business days. */
  readonly holidays?: ReadonlySet<Day>;
}

/**
 * When a time limit ends. The day of the event is not counted (Reg. 1182/71 Art. 3(1)). That Art. 3(4) moves a last day
 * on a weekend to the next working day is not used: earlier is in time too, and needs no calendar of holidays.
 * @param from milliseconds since 1970 of the event, which falls on a day in UTC
 * @throws {RangeError} where an extension is asked of a time limit that has none
 */
export function due(name: DeadlineName, from: number, counting: Counting = {}): Due {
  const deadline: Deadline = deadlines[name];
  const period = counting.extended ? deadline.extendedTo : deadline.period;
  if (!period) throw new RangeError(`${deadline.article} cannot be extended`);
  const before = endOfPeriod(period, from, counting.holidays);
  return { on: dayOf(before - 1), before, article: deadline.article };
}

function endOfPeriod(period: Period, from: number, holidays: ReadonlySet<Day> | undefined): number {
  if ('hours' in period) return from + period.hours * HOUR_MS;
  const day = dayOf(from);
  if ('months' in period) return endOf(addMonths(day, period.months));
  if ('years' in period) return endOf(addYears(day, period.years));
  if ('days' in period) return endOf(addDays(day, period.days));
  return endOf(addWorkingDays(day, period.businessDays, holidays));
}
