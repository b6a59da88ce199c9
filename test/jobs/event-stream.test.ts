import { EventStream, MOST_WAITING } from '../../src/jobs/event-stream';

const over = { done: true, value: undefined };

test('gives events in order, then its end', async () => {
  const stream = new EventStream<number>();
  const first = stream.next();
  stream.tell('a', 1);
  stream.tell('b', 2);
  stream.end();
  stream.tell('c', 3);
  expect([await first, await stream.next(), await stream.next()]).toEqual([
    { done: false, value: 1 },
    { done: false, value: 2 },
    over,
  ]);
});

test('whoever leaves while it waits is told at once, and the source once', async () => {
  let left = 0;
  const stream = new EventStream<number>(() => left++);
  const waiting = [stream.next(), stream.next()];
  await stream.return();
  expect(await Promise.all(waiting)).toEqual([over, over]);
  stream.tell('a', 1);
  expect(await stream.next()).toEqual(over);
  await stream.return();
  expect(left).toBe(1);
});

test('of each thing only the latest waits', async () => {
  const stream = new EventStream<string>();
  for (let version = 1; version <= 10_000; version++) stream.tell(version % 2 ? 'odd' : 'even', `v${version}`);
  expect([(await stream.next()).value, (await stream.next()).value]).toEqual(['v9999', 'v10000']);
});

test('whoever is too far behind is told so, and may begin again', async () => {
  let left = 0;
  const stream = new EventStream<number>(() => left++);
  for (let thing = 0; thing <= MOST_WAITING; thing++) stream.tell(String(thing), thing);
  await expect(stream.next()).rejects.toMatchObject({ extensions: { code: 'TOO_MANY_EVENTS' } });
  expect([await stream.next(), left]).toEqual([over, 1]);
});

test('a failure ends what waits, and for await sees it', async () => {
  const stream = new EventStream<number>();
  const waiting = stream.next();
  stream.fail(new Error('away'));
  await expect(waiting).rejects.toThrow('away');
  expect(await stream.next()).toEqual(over);
});
