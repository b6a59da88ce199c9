import { about, type SubjectState, stateOf } from '../../identity/subject-state';

/** No field of the API has such a name. */
const MARK = '$state';
/** A longer report is not kept: many thousands of them would fill the database. Characters of JSON. */
const LONGEST = 100_000;

/**
 * A report as JSON holds it: rows keep the mark that says of whom they are.
 * @returns undefined where it is too long
 */
export function keptReport(report: unknown): Record<string, unknown> | undefined {
  const kept = marked(report) as Record<string, unknown>;
  return JSON.stringify(kept).length > LONGEST ? undefined : kept;
}

/** What {@link keptReport} kept. Rights decide about its rows as they did the first time. */
export function restoredReport(kept: unknown): Record<string, unknown> {
  return restored(kept) as Record<string, unknown>;
}

function marked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(marked);
  if (typeof value !== 'object' || value === null) return value;
  const state = stateOf(value);
  return { ...each(value, marked), ...(state && { [MARK]: state }) };
}

function restored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(restored);
  if (typeof value !== 'object' || value === null) return value;
  const { [MARK]: state, ...fields } = value as Record<string, unknown>;
  const row = each(fields, restored);
  return state === undefined ? row : about(row, state as SubjectState);
}

const each = (value: object, change: (part: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([name, part]) => [name, change(part)]));
