import { ChangeFeed, type Watched } from '../../src/jobs/change-feed';
import type { EventStream } from '../../src/jobs/event-stream';

const EVERY_MS = 1_000;
type Thing = Watched<number, number>;

/** A feed on numbers that a test changes, and what it did. */
function feedOn(values: Map<string, number>, random = 0.5) {
  const looks: number[] = [];
  const said: string[] = [];
  const state = { isAway: false };
  const look = async (things: readonly Thing[]): Promise<void> => {
    looks.push(things.length);
    if (state.isAway) throw new Error('away');
    for (const thing of things) {
      const value = values.get(thing.key);
      if (value === undefined) {
        thing.fail(new Error(`no ${thing.key}`));
        continue;
      }
      const isNews = thing.state !== value;
      thing.state = value;
      thing.greeting = value;
      if (isNews) thing.tell(value);
      if (value < 0) thing.end();
    }
  };
  const outages = { began: (error: unknown) => said.push(String(error)), ended: () => said.push('ended') };
  const feed = new ChangeFeed<number, number>({ everyMs: EVERY_MS, look, outages, random: () => random });
  return { feed, looks, said, state };
}

async function opened<Streams extends ReadonlyArray<EventStream<number>>>(streams: Streams): Promise<Streams> {
  await jest.advanceTimersByTimeAsync(50);
  return streams;
}

describe('a feed', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('looks once for all its subscribers, who hear what is so and each change', async () => {
    const values = new Map([['a', 1]]);
    const { feed, looks } = feedOn(values);
    const streams = await opened(Array.from({ length: 300 }, () => feed.subscribe('a')));
    expect(looks).toEqual([1]);
    const heard = async () => new Set(await Promise.all(streams.map(async (stream) => (await stream.next()).value)));
    expect(await heard()).toEqual(new Set([1]));
    await jest.advanceTimersByTimeAsync(3 * EVERY_MS);
    expect(looks).toEqual([1, 1, 1, 1]);
    values.set('a', 2);
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    expect(await heard()).toEqual(new Set([2]));
  });

  test('looks at nothing when a timer fires before the look is due', async () => {
    // Timers count whole milliseconds, and this pause is a fraction longer.
    const { feed, looks } = feedOn(new Map([['a', 1]]), 0.5001);
    const [stream] = await opened([feed.subscribe('a')]);
    await jest.advanceTimersByTimeAsync(5 * EVERY_MS);
    expect(looks).toEqual([1, 1, 1, 1, 1, 1]);
    await stream?.return();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('looks no more once all have left, whenever they leave', async () => {
    const { feed, looks } = feedOn(new Map([['a', 1]]));
    const streams = await opened(Array.from({ length: 300 }, () => feed.subscribe('a')));
    for (const stream of streams) await stream.return();
    expect(jest.getTimerCount()).toBe(0);
    await jest.advanceTimersByTimeAsync(60 * EVERY_MS);
    expect(looks).toEqual([1]);
    const [late] = await opened([feed.subscribe('a')]);
    expect((await late?.next())?.value).toBe(1);
  });

  test('who comes later hears no change from before', async () => {
    const values = new Map([['a', 1]]);
    const { feed, looks } = feedOn(values);
    const [early] = await opened([feed.subscribe('a')]);
    await early?.next();
    values.set('a', 2);
    const [late] = await opened([feed.subscribe('a')]);
    expect([(await early?.next())?.value, (await late?.next())?.value]).toEqual([2, 2]);
    expect(looks).toEqual([1, 1]);
    values.set('a', 3);
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    expect([(await early?.next())?.value, (await late?.next())?.value]).toEqual([3, 3]);
  });

  test('an end is told behind what waits; what does not exist is refused', async () => {
    const values = new Map([['a', 1]]);
    const { feed } = feedOn(values);
    const [stream] = await opened([feed.subscribe('a')]);
    values.set('a', -1);
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    expect((await stream?.next())?.value).toBe(-1);
    expect((await stream?.next())?.done).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    const refused = expect(feed.subscribe('b').next()).rejects.toThrow('no b');
    await jest.advanceTimersByTimeAsync(50);
    await refused;
    expect(jest.getTimerCount()).toBe(0);
  });

  test('an outage is told once, looked at ever more seldom, and caught up with', async () => {
    const values = new Map([['a', 1]]);
    const { feed, looks, said, state } = feedOn(values);
    const [stream] = await opened([feed.subscribe('a')]);
    await stream?.next();
    state.isAway = true;
    await jest.advanceTimersByTimeAsync(60 * EVERY_MS);
    const tries = looks.length;
    expect(tries).toBeLessThan(15);
    expect(said).toEqual(['Error: away']);
    values.set('a', 2);
    values.set('a', 3);
    state.isAway = false;
    await jest.advanceTimersByTimeAsync(10 * EVERY_MS);
    expect((await stream?.next())?.value).toBe(3);
    expect(said).toEqual(['Error: away', 'ended']);
  });

  test('who comes while it is away is let in after it; who leaves before that leaves nothing', async () => {
    const { feed, state, looks, said } = feedOn(new Map([['a', 1]]));
    state.isAway = true;
    const [patient, leaver] = await opened([feed.subscribe('a'), feed.subscribe('a')] as const);
    await leaver.return();
    state.isAway = false;
    await jest.advanceTimersByTimeAsync(2 * EVERY_MS);
    expect((await patient.next()).value).toBe(1);
    expect([looks, said]).toEqual([
      [1, 1, 1],
      ['Error: away', 'ended'],
    ]);
    await patient.return();
    expect(jest.getTimerCount()).toBe(0);
  });
});
