import { setTimeout as sleep } from 'node:timers/promises';
import { defaultServerLimits } from '../../src/gateway/limits';
import { Watchdog } from '../../src/gateway/watchdog';
import { Scheduler } from '../../src/jobs/scheduler';
import { type Harness, startServer } from './server-harness';

const never = () => new Promise<never>(() => undefined);

describe('a server whose operations never end', () => {
  let server: Harness;
  let isHung = false;
  beforeAll(async () => {
    server = await startServer({ limits: { operationMs: 1_000 }, contextFor: never });
  });
  afterAll(() => server.close());
  const health = async () => {
    const response = await fetch(`${server.url}/healthz`);
    return { status: response.status, body: await response.json() };
  };

  test('is wedged once three times their limit has passed without any end', async () => {
    const authorization = `Bearer ${await server.token()}`;
    expect(await health()).toEqual({ status: 200, body: { status: 'up' } });
    const asked = server.post({ query: '{ greeting }' }, { authorization });
    expect((await asked).status).toBe(503);
    while (!isHung) {
      await sleep(50);
      isHung = (await health()).status === 503;
    }
    expect((await health()).body).toEqual({
      status: 'wedged',
      faults: [expect.stringMatching(/^1 operations run, and none of them has ended for \d s$/)],
    });
    expect(server.log()).toContainEqual(expect.objectContaining({ msg: 'the process is wedged' }));
  }, 30_000);
});

test('an operation that hangs while others end, or that has not had its time, wedges nothing', async () => {
  const watchdog = new Watchdog({ operationMs: 1 });
  watchdog.begins({ since: performance.now() });
  expect(watchdog.faults()).toEqual([]);
  await sleep(3_100);
  expect(watchdog.faults()).toHaveLength(1);
  const other = { since: performance.now() };
  watchdog.begins(other);
  watchdog.ended(other, performance.now());
  expect(watchdog.faults()).toEqual([]);
});

test('background tasks that never return are told of, once all of them hang', async () => {
  const task = (name: string, run: () => Promise<boolean>) => ({ name, everyMs: 1, run });
  const hanging = new Scheduler([task('a', never), task('b', never)], { onFailure: () => undefined });
  const going = new Scheduler([task('a', never), task('b', async () => false)], { onFailure: () => undefined });
  expect(hanging.idleMs()).toBe(0);
  hanging.start();
  going.start();
  await sleep(300);
  expect(hanging.idleMs()).toBeGreaterThan(200);
  expect(going.idleMs()).toBeLessThan(hanging.idleMs());
  const after = (idleMs: number) => new Watchdog(defaultServerLimits, () => idleMs).faults();
  expect([after(14 * 60_000), after(16 * 60_000)]).toEqual([[], ['no background task has ended for 16 minutes']]);
  await Promise.all([hanging.stop(1), going.stop(1)]);
  expect(hanging.idleMs()).toBe(0);
});
