import { EventRounds, type Waiting } from '../../src/gateway/event-rounds';

interface Event extends Waiting {
  readonly name: string;
}

const breath = () => new Promise((resolve) => setImmediate(resolve));
const failed: string[] = [];
afterEach(() => void failed.splice(0));
const eventOf = (client: string, socket: object, name: string): Event => ({
  ...{ client, socket, name },
  fail: (error) => void failed.push(`${name}: ${(error as Error).message}`),
});

/** Rounds that are under way until the test ends them. */
function observed() {
  const rounds: Array<{ readonly names: string[]; end(): void; break(error: Error): void }> = [];
  const turns = { taken: 0, left: 0, error: undefined as Error | undefined };
  const all = new EventRounds<Event>(
    async () => {
      if (turns.error) throw turns.error;
      turns.taken++;
      return () => void turns.left++;
    },
    (events) =>
      new Promise((end, broken) => rounds.push({ names: events.map(({ name }) => name), end, break: broken })),
  );
  return { all, rounds, turns };
}

test('events of one change are answered in rounds of whole sockets, two at once, each in a turn', async () => {
  const { all, rounds, turns } = observed();
  const sockets = Array.from({ length: 40 }, () => ({}));
  for (let n = 0; n < 400; n++) all.add(eventOf('acme', sockets[n % 40] ?? {}, `${n % 40}`));
  await breath();
  await breath();
  expect(rounds.map(({ names }) => names.length)).toEqual([120, 120]);
  expect(turns).toMatchObject({ taken: 2, left: 0 });
  for (let ended = 0; ended < rounds.length; ended++) {
    rounds[ended]?.end();
    await breath();
    await breath();
  }
  expect(rounds.map(({ names }) => names.length)).toEqual([120, 120, 120, 40]);
  expect(turns).toMatchObject({ taken: 4, left: 4 });
  // All events of a socket are in one round, and every event in exactly one.
  const names = rounds.flatMap((round) => [...new Set(round.names)]);
  expect(names.sort()).toEqual([...new Set(names)]);
  expect(names).toHaveLength(40);
});

test('a client that has many does not keep another waiting', async () => {
  const { all, rounds } = observed();
  for (let n = 0; n < 1_000; n++) all.add(eventOf('acme', {}, `a${n}`));
  all.add(eventOf('globex', {}, 'g'));
  await breath();
  await breath();
  expect(rounds.at(-1)?.names).toEqual(['g']);
});

test('where there is no turn, those that would have had it hear why, and later ones are answered', async () => {
  const { all, rounds, turns } = observed();
  turns.error = new Error('too many');
  all.add(eventOf('acme', {}, 'one'));
  await breath();
  expect(failed).toEqual(['one: too many']);
  turns.error = undefined;
  all.add(eventOf('acme', {}, 'two'));
  await breath();
  await breath();
  expect(rounds.map(({ names }) => names)).toEqual([['two']]);
});

test('where a round breaks, its own events fail, and those that came meanwhile are answered', async () => {
  const { all, rounds, turns } = observed();
  all.add(eventOf('acme', {}, 'one'));
  await breath();
  await breath();
  expect(rounds.map(({ names }) => names)).toEqual([['one']]);
  // As many as two rounds take, so that some still wait when the first breaks.
  for (let n = 0; n < 300; n++) all.add(eventOf('acme', {}, `later ${n}`));
  rounds[0]?.break(new Error('broken'));
  await breath();
  await breath();
  expect(failed).toEqual(['one: broken']);
  for (let ended = 1; ended < rounds.length; ended++) {
    rounds[ended]?.end();
    await breath();
    await breath();
  }
  expect(rounds.flatMap(({ names }) => names)).toHaveLength(301);
  expect(failed).toEqual(['one: broken']);
  expect(turns.left).toBe(turns.taken);
});
