import type { MutationField } from '../../identity/request-context';
import { alongside, type Companion } from '../../storage/companions';
import { NotedIds, notingIds } from '../../storage/noted-ids';
import type { DoneAgain } from './done-again';
import { type DoneField, type DoneFields, type KeyPlace, takenOver } from './key-place';

/**
 * A mutation under an idempotency key. Each of its root fields is executed once, however often it is sent; one that was
 * refused, or of which nothing was written, is executed again. Its fields are executed one after the other.
 */
export class KeyedMutation {
  readonly #places: readonly KeyPlace[];
  readonly #again: DoneAgain;
  /** Fields of this request that are done, as their ends say. */
  readonly #ended = new Map<string, DoneField>();
  #isRepeated = false;

  constructor(places: readonly KeyPlace[], again: DoneAgain) {
    this.#places = places;
    this.#again = again;
  }

  /** Whether something of the answer was done by an earlier request. */
  get isRepeated(): boolean {
    return this.#isRepeated;
  }

  /** Executes a field, or answers it from what was done before. */
  readonly once = async (field: MutationField): Promise<unknown> => {
    const key = String(field.info.path.key);
    const done = this.#places.map((place) => place.done[key]).find((known) => known !== undefined);
    if (done) {
      this.#isRepeated = true;
      field.context.notes.writes?.push(done.state);
      return this.#again.answer(field, done);
    }
    for (const place of this.#places) if (!(await place.take())) throw takenOver();
    return this.#first(key, field);
  };

  /** Ends the request; a failure only delays the next one under this key. */
  async settle(): Promise<void> {
    for (const [index, place] of this.#places.entries()) {
      const done: Record<string, DoneField> = { ...place.done };
      for (const [key, ended] of this.#ended) {
        const isStamped = this.#places.some((other) => other.done[key] !== undefined);
        // What succeeded without a write is noted in the first place.
        if (done[key] !== undefined || (!isStamped && index === 0)) done[key] = ended;
      }
      await place.settle(done);
    }
  }

  async #first(key: string, field: MutationField): Promise<unknown> {
    const noted = new NotedIds();
    const isReport = this.#again.isReport(field);
    const doneAs = (state: DoneField['state'], report?: unknown): DoneField => ({
      state,
      things: [...noted.things],
      people: [...noted.people],
      ...(report === undefined ? {} : { report: report as Record<string, unknown> }),
    });
    // A report is not complete before its end; and who executes several fields keeps the key until the last one.
    const isLast = !isReport && isOnlyField(field);
    let isStamped = false;
    let write = () => notingIds(noted, field.write);
    for (const place of this.#places) {
      const then = write;
      let done: DoneFields = {};
      const companion: Companion = {
        isFor: (source) => source === place.source,
        write: async (manager) => {
          done = { ...place.done, [key]: doneAs(isReport ? 'PARTLY' : 'DONE') };
          await place.stamp(manager, done, isLast);
        },
        committed: () => {
          isStamped = true;
          place.stamped(done, isLast);
        },
      };
      write = async () => (await alongside(companion, then)).result;
    }
    try {
      const result = await write();
      this.#ended.set(key, doneAs('DONE', isReport ? result : undefined));
      return result;
    } catch (error) {
      const isDone = field.context.notes.writes?.at(-1) === 'DONE';
      if (isStamped) this.#ended.set(key, doneAs(isDone ? 'DONE' : 'PARTLY'));
      throw error;
    }
  }
}

/** Only then it is known before the execution that no other field follows. */
function isOnlyField({ info }: MutationField): boolean {
  const [first, ...others] = info.operation.selectionSet.selections;
  return first?.kind === 'Field' && others.length === 0;
}
