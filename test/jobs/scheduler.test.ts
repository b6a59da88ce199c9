import { Scheduler, type Task } from '../../src/jobs/scheduler';

const once = (name: string, run: Task['run'], everyMs = 1_000): Task => ({ name, everyMs, run });
/** No spreading of intervals. */
const random = () => 0.5;

describe('background tasks', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('begin at once, go on every interval whatever failed, and stop', async () => {
    const failures: string[] = [];
    let [ran, other] = [0, 0];
    const task = once('reminders', async () => {
      if (++ran === 2) throw new Error('the database is away');
      return false;
    });
    const beside = once('notices', async () => ++other < 0);
    const scheduler = new Scheduler([task, beside], {
      onFailure: (error, name) => failures.push(`${name}: ${(error as Error).message}`),
      now: () => ran,
      random,
    });
    expect(scheduler.state('reminders')).toEqual({ lastSuccessAt: undefined, failedRuns: 0 });
    scheduler.start();
    scheduler.start();
    expect([ran, other]).toEqual([1, 1]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(scheduler.state('reminders')).toEqual({ lastSuccessAt: 1, failedRuns: 1 });
    expect(scheduler.states().get('notices')).toEqual({ lastSuccessAt: 2, failedRuns: 0 });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(scheduler.state('reminders')).toEqual({ lastSuccessAt: 3, failedRuns: 0 });
    expect([ran, other, failures]).toEqual([3, 3, ['reminders: the database is away']]);
    expect(await scheduler.stop()).toBe(true);
    await jest.advanceTimersByTimeAsync(10_000);
    expect([ran, other]).toEqual([3, 3]);
  });

  test('go on at once while there is more to do', async () => {
    let ran = 0;
    const scheduler = new Scheduler([once('jobs', async () => ++ran < 5)], { onFailure: () => undefined, random });
    scheduler.start();
    await jest.advanceTimersByTimeAsync(0);
    expect(ran).toBe(5);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(ran).toBe(6);
    await scheduler.stop();
  });

  test('spread their runs by a tenth of the interval', async () => {
    let ran = 0;
    const early = new Scheduler([once('jobs', async () => ++ran < 0)], { onFailure: () => undefined, random: () => 0 });
    early.start();
    await jest.advanceTimersByTimeAsync(899);
    expect(ran).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(ran).toBe(2);
    await early.stop();
  });

  test('never run twice at once, and are waited for within the grace', async () => {
    let [running, most, aborted] = [0, 0, false];
    const slow = once('slow', async (signal) => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => setTimeout(resolve, 5_000));
      aborted = signal.aborted;
      running--;
      return false;
    });
    const scheduler = new Scheduler([slow], { onFailure: () => undefined, random });
    scheduler.start();
    await jest.advanceTimersByTimeAsync(4_000);
    const stopped = scheduler.stop(2_000);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await stopped).toBe(true);
    expect([most, aborted]).toEqual([1, true]);
  });

  test('that do not end within the grace are left', async () => {
    let [settled, hang] = [0, true];
    const stuck: Task = {
      ...once('stuck', () => (hang ? new Promise<boolean>(() => undefined) : Promise.resolve(false))),
      settled: async () => void settled++,
    };
    const scheduler = new Scheduler([stuck], { onFailure: () => undefined, random });
    scheduler.start();
    const stopped = scheduler.stop(2_000);
    await jest.advanceTimersByTimeAsync(2_000);
    expect([await stopped, settled]).toEqual([false, 0]);
    hang = false;
    const willing = new Scheduler([stuck], { onFailure: () => undefined, random });
    willing.start();
    expect([await willing.stop(2_000), settled]).toEqual([true, 1]);
  });

  test('have names of their own', () => {
    const task = once('jobs', async () => false);
    expect(() => new Scheduler([task, task], { onFailure: () => undefined })).toThrow('two background tasks');
  });
});
