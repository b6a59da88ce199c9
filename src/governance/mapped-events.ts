import type { ExecutionResult } from 'graphql';

/**
 * Maps the events of a stream. `return` reaches the source at once. An async generator would pass it on only after the
 * next event, so a subscriber that left would hold its source until then, or for ever.
 * @param map gives the event's result, and whether the stream ends with it
 * @param failed gives the last result if the source fails; without it, the stream fails too
 */
export function mappedEvents<Event, Result>(
  source: AsyncIterable<Event>,
  map: (event: Event) => Promise<{ result: Result; last: boolean }>,
  failed?: (error: unknown) => Result,
): AsyncGenerator<Result, void, void> {
  const events = source[Symbol.asyncIterator]();
  let ended = false;

  async function end(): Promise<IteratorResult<Result, void>> {
    if (!ended) {
      ended = true;
      await events.return?.();
    }
    return { done: true, value: undefined };
  }

  const stream = {
    async next(): Promise<IteratorResult<Result, void>> {
      if (ended) return { done: true, value: undefined };
      let step: IteratorResult<Event>;
      try {
        step = await events.next();
      } catch (error) {
        if (ended || !failed) throw error;
        ended = true;
        return { done: false, value: failed(error) };
      }
      if (ended || step.done) {
        ended = true;
        return { done: true, value: undefined };
      }
      try {
        const { result, last } = await map(step.value);
        if (last) await end();
        return { done: false, value: result };
      } catch (error) {
        await end();
        throw error;
      }
    },
    return: end,
    async throw(error: unknown): Promise<never> {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]: (): AsyncGenerator<Result, void, void> => stream,
    async [Symbol.asyncDispose](): Promise<void> {
      await end();
    },
  };
  return stream;
}

/** Whether a result refuses the whole operation, which ends a subscription. */
export const isRefusal = ({ data, errors = [] }: ExecutionResult): boolean =>
  !data && errors.some((error) => error.path === undefined);
