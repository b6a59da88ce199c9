import type { ExecutionResult } from 'graphql';

/**
 * A stream whose events are mapped one by one. `return` reaches the source at once: an async generator would only pass
 * it on after its next event, and a subscriber that left would hold its source until then, or for ever.
 * @param map gives the event's result, and whether the stream ends with it
 * @param failed gives the last result of a source that fails; absent, the stream fails as its source does
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

/** Whether a result refuses the whole operation: a subscription ends with it. */
export const isRefusal = ({ data, errors = [] }: ExecutionResult): boolean =>
  !data && errors.some((error) => error.path === undefined);
