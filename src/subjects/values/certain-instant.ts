import { DateTime, IANAZone } from 'luxon';
import { DAY_MS, MINUTE_MS } from '../../law/calendar';

export type Found = { readonly value: Date } | { readonly reason: string };

const NOT_A_DATE =
  'is not a date; write it as ISO 8601, such as 2026-01-31T12:00:00Z, or say its format by --date-format';
const AMBIGUOUS = 'does not say which part is the day and which the month; say it by --date-format, such as US or EU';
const NUMBER =
  'is a number, which may count seconds, milliseconds or days; say it by --date-format, such as EPOCH_SECONDS';
const NO_DAY = 'names a month without a day; say its format by --date-format, such as yyyy-MM';
const impossible = { reason: 'is a date or a time that does not exist' };

/** Days, from a text's start; what follows is the time. */
const days = [
  // ISO 8601, RFC 3339, SQL: the year first.
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?=$|[T ])/i,
  /^(?<year>\d{4})\/(?<month>\d\d?)\/(?<day>\d\d?)(?=$|[T ])/i,
  /^(?<year>\d{4})-W(?<week>\d\d)-(?<weekday>\d)(?=$|[T ])/i,
  // RFC 2822 and its like, "4-Mar-2021".
  /^(?:(?<dayName>[a-z]{3,9}),? )?(?<day>\d\d?)(?:st|nd|rd|th)?[ -](?<name>[a-z]{3,9})\.?[ ,-]{1,2}(?<year>\d{4})(?=$|[ ,])/i,
  // "Mar 4, 2021", "Thu Mar 04 2021 …".
  /^(?:(?<dayName>[a-z]{3,9}),? )?(?<name>[a-z]{3,9})\.? {1,2}(?<day>\d\d?)(?:st|nd|rd|th)?,? (?<year>\d{4})(?=$|[ ,])/i,
];
/** C's asctime: the year last. */
const ASCTIME =
  /^(?<dayName>[a-z]{3,9}) (?<name>[a-z]{3,9}) {1,2}(?<day>\d\d?) (?<time>\d\d:\d\d:\d\d(?: [a-z]{1,3})?) (?<year>\d{4})$/i;
/** ISO 8601 in its basic form. */
const BASIC = /^(?<day>(?:19|20|21)\d{6})(?:T(?<time>\d{4}(?:\d\d)?)(?<zone>Z|[+-]\d{4})?)?$/i;
const TIME =
  /^(?:T|,? (?:at )?)(?<hour>\d\d?):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,](?<fraction>\d{1,12}))?)?(?: ?(?<half>[AP])\.?M\.?)?(?<zone>$|[ Z+-].*$)/i;
const ZONE = /^ ?(?<letters>[A-Z]{1,3})? ?(?<offset>[+-]\d\d(?::?\d\d)?)?$/i;

/** Obsolete letters that RFC 5322, section 4.3, gives a meaning. */
const hoursOf: ReadonlyMap<string, number> = new Map([
  ['UTC', 0],
  ['GMT', 0],
  ['Z', 0],
  ['EST', -5],
  ['EDT', -4],
  ['CST', -6],
  ['CDT', -5],
  ['MST', -7],
  ['MDT', -6],
  ['PST', -8],
  ['PDT', -7],
]);

type Parts = Readonly<Record<string, string | undefined>>;

/** A moment out of a spelling that means one only; a reason that names what would make it certain for others. */
export function certainInstant(text: string): Found {
  const tagsAt = text.indexOf('[');
  const tags = tagsAt < 0 ? '' : text.slice(tagsAt);
  const written = tagsAt < 0 ? text : text.slice(0, tagsAt);
  const parts = partsOf(extended(written));
  return parts ? momentOf({ ...parts, tags }) : { reason: reasonFor(text) };
}

/** The basic form as the extended one. */
function extended(text: string): string {
  const { day, time, zone = '' } = BASIC.exec(text)?.groups ?? {};
  if (day === undefined) return text;
  const date = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`;
  return time === undefined ? date : `${date}T${time.replace(/\d\d(?=\d)/g, '$&:')}${zone}`;
}

function partsOf(text: string): Parts | undefined {
  const asctime = ASCTIME.exec(text)?.groups;
  if (asctime) return withTime(asctime, ` ${asctime.time}`);
  for (const shape of days) {
    const match = shape.exec(text);
    if (match?.groups) return withTime(match.groups, text.slice(match[0].length));
  }
  return undefined;
}

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function withTime(day: Parts, rest: string): Parts | undefined {
  if (day.dayName !== undefined && !weekdays.includes(day.dayName.slice(0, 3).toLowerCase())) return undefined;
  if (day.name !== undefined && monthOf(day.name) === 0) return undefined;
  if (rest === '') return day;
  const time = TIME.exec(rest)?.groups;
  // A comment names the zone once more: "(PST)".
  const zone = time && ZONE.exec(time.zone?.replace(/ \([^()]*\)$/, '') ?? '')?.groups;
  if (!time || !zone || !isZone(zone.letters, day.name !== undefined)) return undefined;
  return { ...day, ...time, ...zone };
}

function reasonFor(text: string): string {
  if (/^\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}(?:\D|$)/.test(text)) return AMBIGUOUS;
  if (/^[+-]?\d+(?:\.\d+)?$/.test(text)) return NUMBER;
  return /^\d{4}-\d\d$/.test(text) ? NO_DAY : NOT_A_DATE;
}

function momentOf(parts: Parts): Found {
  const day = dayOf(parts);
  const clock = clockOf(parts);
  const offset = offsetMinutes(parts);
  if (day === undefined || clock === undefined || offset === undefined) return impossible;
  const local = day + clock;
  const zone = zoneOf(parts.tags ?? '');
  if (zone === null) return { reason: 'names a time zone or a calendar that is not known here' };
  if (zone === undefined) return { value: new Date(local - (offset ?? 0) * MINUTE_MS) };
  return inZone(local, offset, zone);
}

/** Letters of North American zones mean one in a letter's date; elsewhere CST may be China's. */
function isZone(letters: string | undefined, isLetter: boolean): boolean {
  const hours = letters === undefined ? 0 : hoursOf.get(letters.toUpperCase());
  return isLetter ? hours !== undefined : hours === 0;
}

/** Milliseconds of a day's beginning, or undefined where there is no such day. */
function dayOf({ year, month, day, name, week, weekday }: Parts): number | undefined {
  const moment =
    week === undefined
      ? DateTime.fromObject(
          {
            year: Number(year),
            month: name === undefined ? Number(month) : monthOf(name),
            day: Number(day),
          },
          { zone: 'utc' },
        )
      : DateTime.fromObject(
          { weekYear: Number(year), weekNumber: Number(week), weekday: Number(weekday) as 1 },
          { zone: 'utc' },
        );
  return moment.isValid ? moment.toMillis() : undefined;
}

const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
].concat(['november', 'december']);
/** From 1; 0 where it is none: "Mar", "Sept", "March". */
const monthOf = (name: string): number => months.findIndex((month) => month.startsWith(name.toLowerCase())) + 1;

/** Milliseconds into the day: 24:00:00 is its end (ISO 8601), a leap second the beginning of the next minute. */
function clockOf({ hour = '0', minute = '0', second = '0', fraction = '', half }: Parts): number | undefined {
  const hours = half === undefined ? Number(hour) : fromHalfDay(Number(hour), half);
  const [minutes, seconds] = [Number(minute), Number(second)];
  if (hours === undefined || minutes > 59 || seconds > 60) return undefined;
  const millisecond = Number(fraction.padEnd(3, '0').slice(0, 3));
  const clock = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + (seconds === 60 ? 0 : millisecond);
  return hours < 24 || clock === DAY_MS ? clock : undefined;
}

/** "10:11 PM"; programs that print both halves beside a clock of 24 hours write "22:11 PM". */
function fromHalfDay(hour: number, half: string): number | undefined {
  const isAfternoon = half.toUpperCase() === 'P';
  if (hour > 12) return isAfternoon && hour < 24 ? hour : undefined;
  if (hour === 0) return isAfternoon ? undefined : 0;
  return (hour % 12) + (isAfternoon ? 12 : 0);
}

/** Minutes east of UTC; null where nothing is said, undefined where there is no such offset. */
function offsetMinutes({ offset, letters }: Parts): number | null | undefined {
  const named = letters === undefined ? undefined : hoursOf.get(letters.toUpperCase());
  if (offset === undefined) return named === undefined ? null : named * 60;
  const sign = offset.startsWith('-') ? -1 : 1;
  const digits = offset.replace(/\D/g, '').padEnd(4, '0');
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  // The easternmost time is UTC+14 (Kiribati), the westernmost UTC-12.
  const total = sign * (hours * 60 + minutes);
  return minutes < 60 && total <= 14 * 60 && total >= -12 * 60 ? total : undefined;
}

/** The zone that a bracket of RFC 9557 names; undefined without one, null where it is not known. */
function zoneOf(tags: string): string | undefined | null {
  let zone: string | undefined;
  for (const [, critical, tag = ''] of tags.matchAll(/\[(!?)([^[\]]*)\]/g)) {
    if (tag.includes('=')) {
      if (critical && tag !== 'u-ca=iso8601' && tag !== 'u-ca=gregory') return null;
    } else if (zone === undefined && IANAZone.isValidZone(tag)) zone = tag;
    else return null;
  }
  return zone;
}

function inZone(local: number, offset: number | null, zone: string): Found {
  const wall = DateTime.fromMillis(local, { zone: 'utc' });
  if (offset !== null) {
    const moment = DateTime.fromMillis(local - offset * MINUTE_MS, { zone });
    // Z says that the offset there is unknown (RFC 9557, section 2); any other has to be the zone's.
    if (offset !== 0 && moment.offset !== offset) return { reason: 'has an offset that its time zone does not have' };
    return { value: moment.toJSDate() };
  }
  const there = wall.setZone(zone, { keepLocalTime: true });
  // A clock that is put forward skips an hour.
  return there.toFormat('HH:mm:ss') === wall.toFormat('HH:mm:ss') ? { value: there.toJSDate() } : impossible;
}
