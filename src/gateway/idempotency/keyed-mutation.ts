import { GraphQLError } from 'graphql';
import type { MutationField } from '../../identity/request-context';
import { WriteFailedError } from '../../identity/told-outcome';
import { alongside, type Companion } from '../../storage/companions';
import { NotedIds, notingIds } from '../../storage/noted-ids';
import { isInSteps } from '../../storage/write-outcome';
import { gatewayErrors } from '../errors';
import type { DoneAgain } from './done-again';
import { keptReport } from './kept-report';
import type { DoneField, DoneFields, KeyPlace } from './key-place';

/**
 * A mutation under an idempotency key. Each of its root fields is executed once, however often it is sent; one that was
 * refused, or of which nothing was written, is executed again. Its fields are executed one after the other.
 */
export class KeyedMutation {
  readonly #places: readonly KeyPlace[];
  readonly #again: DoneAgain;
  readonly #renewMs: number;
  /** Fields of this request that are done, as their ends say. */
  readonly #ended = new Map<string, DoneField>();
  #isRepeated = false;
  #isTakenOver = false;
  #renewal: NodeJS.Timeout | undefined;
  #renewing: Promise<unknown> | undefined;

  /** @param renewMs how often the holder of the key says that it still works. Milliseconds. */
  constructor(places: readonly KeyPlace[], again: DoneAgain, renewMs: number) {
    this.#places = places;
    this.#again = again;
    this.#renewMs = renewMs;
  }

  /** Whether something of the answer was done by an earlier request. */
  get isRepeated(): boolean {
    return this.#isRepeated;
  }

  /** Whether another request under the key executes something of it, so that only that one knows the answer. */
  get isTakenOver(): boolean {
    return this.#isTakenOver;
  }

  /** Executes a field, or answers it from what was done before. */
  readonly once = async (field: MutationField): Promise<unknown> => {
    const key = String(field.info.path.key);
    const known = this.#places.flatMap((place) => place.done[key] ?? []);
    const done = known.find(({ state }) => state === 'PARTLY') ?? known[0];
    // Whoever left a part undone can do nothing more from here on: what is told of it stays true.
    if (done?.state !== 'DONE') await this.#take(field, done);
    if (!done) return this.#first(key, field);
    this.#isRepeated = true;
    field.context.notes.writes?.push(done.state);
    return this.#again.answer(field, done);
  };

  /** Ends the request; a failure only delays the next one under this key. */
  async settle(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#renewing;
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

  /** Takes the key before something under it is executed, or told to be undone. */
  async #take(field: MutationField, done: DoneField | undefined): Promise<void> {
    try {
      for (const place of this.#places) if (!(await place.take())) throw this.#takenOver();
    } catch (error) {
      const write = done?.state ?? (this.#isTakenOver ? 'UNKNOWN' : 'NOT_DONE');
      field.context.notes.writes?.push(write);
      throw error instanceof GraphQLError ? error : new WriteFailedError(write, error);
    }
    this.#renewal ??= setInterval(() => this.#renew(), this.#renewMs).unref();
  }

  #takenOver(): GraphQLError {
    this.#isTakenOver = true;
    const { message, code } = gatewayErrors.idempotencyKeyInUse();
    return new GraphQLError(message, { extensions: { code } });
  }

  /** Says that this request still works. Where that fails, the stamps still fence off whoever comes too late. */
  #renew(): void {
    this.#renewing ??= Promise.allSettled(this.#places.map((place) => place.renew())).finally(() => {
      this.#renewing = undefined;
    });
  }

  async #first(key: string, field: MutationField): Promise<unknown> {
    const noted = new NotedIds();
    const isReport = this.#again.isReport(field);
    const doneAs = (state: DoneField['state'], report?: Record<string, unknown>): DoneField => ({
      state,
      things: [...noted.things],
      people: [...noted.people],
      ...(report && { report }),
    });
    let isStamped = false;
    let write = () => notingIds(noted, field.write);
    for (const place of this.#places) {
      const then = write;
      let done: DoneFields = {};
      let isLast = false;
      const companion: Companion = {
        isOfEach: true,
        // Once it is taken over, no transaction of it is committed anywhere.
        isFor: (source) => this.#isTakenOver || source === place.source,
        write: async (manager) => {
          if (this.#isTakenOver) throw this.#takenOver();
          // A report is not complete before its end. Where there is a second transaction, a third may come.
          const isPart = isReport || isStamped || isInSteps();
          done = { ...place.done, [key]: doneAs(isPart ? 'PARTLY' : 'DONE') };
          // Who executes several fields keeps the key until the last one.
          isLast = !isPart && isOnlyField(field);
          if (!(await place.stamp(manager, done, isLast))) throw this.#takenOver();
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
      // Whatever was made of that failure, what came after it was undone.
      if (this.#isTakenOver) throw this.#takenOver();
      const report = isReport ? keptReport(result) : undefined;
      // Only one that lists what was left out is too long to be kept.
      this.#ended.set(key, doneAs(isReport && !report ? 'PARTLY' : 'DONE', report));
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
