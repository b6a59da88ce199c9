import { Ambient } from '../connections/ambient';

/** Ids of what a write makes or changes. */
export class NotedIds {
  readonly things = new Set<string>();
  readonly people = new Set<string>();
}

const noted = new Ambient<NotedIds>();
/** A write that changes more is not told row by row. */
const MOST = 20;

/** Runs a write that says by {@link noteThings} and {@link notePeople} what it makes or changes. */
export const notingIds = <T>(into: NotedIds, write: () => T): T => noted.run(into, write);

/** To be called before the rows are committed. */
export const noteThings = (...ids: readonly string[]): void => add(noted.get()?.things, ids);

/** The same for data subjects, whose ids are told to nobody without a decision. */
export const notePeople = (...ids: readonly string[]): void => add(noted.get()?.people, ids);

function add(known: Set<string> | undefined, ids: readonly string[]): void {
  if (!known || known.size + ids.length > MOST) return;
  for (const id of ids) known.add(id);
}
