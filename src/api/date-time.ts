import { GraphQLScalarType } from 'graphql';
import { GraphQLDateTime } from 'graphql-scalars';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../law/calendar';

const { serialize, ...config } = GraphQLDateTime.toConfig();

const MOST_DAYS = 10_000;
/** Day since 1970 → its date as ISO text with the T. */
const days = new Map<number, string>();

/** Like `Date.toISOString`, which costs as much as reading the whole row. Few days occur, so their texts are cached. */
function isoText(time: number): string {
  const day = Math.floor(time / DAY_MS);
  const date = days.get(day) ?? dateOf(day);
  const ms = time - day * DAY_MS;
  const clock = `${two(ms / HOUR_MS)}:${two((ms / MINUTE_MS) % 60)}:${two((ms / 1000) % 60)}`;
  return `${date}${clock}.${String(ms % 1000).padStart(3, '0')}Z`;
}

function dateOf(day: number): string {
  const [date = ''] = new Date(day * DAY_MS).toISOString().split('T');
  if (days.size >= MOST_DAYS) days.clear();
  days.set(day, `${date}T`);
  return `${date}T`;
}

const two = (value: number): string => (value < 10 ? `0${Math.floor(value)}` : String(Math.floor(value)));

/** graphql-scalars' DateTime, serialized to text: a Date costs JSON.stringify several times as much. */
export const DateTime = new GraphQLScalarType<Date, string | Date>({
  ...config,
  serialize: (value) => {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return isoText(value.getTime());
    const date = serialize(value);
    return date instanceof Date ? isoText(date.getTime()) : date;
  },
});
