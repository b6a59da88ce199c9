import { setTimeout as sleep } from 'node:timers/promises';

/** Something did not answer in time. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';

  constructor(readonly limitMs: number) {
    super(`there was no answer within ${limitMs / 1_000} s`);
  }
}

/** The result of `work`, unless it takes longer than a limit. @throws {TooSlow} */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = async (): Promise<never> => {
    await sleep(limitMs, undefined, { signal: done.signal });
    throw new TooSlow(limitMs);
  };
  try {
    return await Promise.race([work, late()]);
  } finally {
    done.abort();
  }
}
