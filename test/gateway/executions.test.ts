import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../../src/gateway/errors';
import { Executions } from '../../src/gateway/executions';
import { defaultServerLimits, limitNames, readLimits, type ServerLimits } from '../../src/gateway/limits';
import { defaultLimits } from '../../src/governance/govern';
import { root } from '../support/root';

const executionsWith = (limits: Partial<ServerLimits>) => new Executions({ ...defaultServerLimits, ...limits });
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test('attack S9: what has arrived is counted in all and by address, until it has ended', () => {
  const executions = executionsWith({ operationsUnderWay: 3, operationsPerAddress: 2 });
  const first = executions.arrive('a');
  executions.arrive('a');
  expect(() => executions.arrive('a')).toThrow(GatewayError);
  executions.arrive('b');
  expect(() => executions.arrive('c')).toThrow('The server is at its limit; try again.');
  first();
  first();
  executions.arrive('a');
  expect(() => executions.arrive('c')).toThrow(GatewayError);
});

test('attack S9: a principal runs as much at once as it may, the rest waits, and too much is refused', async () => {
  const executions = executionsWith({ executionsPerCaller: 2, operationsPerCaller: 4 });
  const ran: number[] = [];
  const leaves: Array<() => void> = [];
  const all = [1, 2, 3, 4].map(async (id) => {
    leaves.push(await executions.turn('p'));
    ran.push(id);
  });
  await settled();
  expect(ran).toEqual([1, 2]);
  expect(() => executions.turn('p')).toThrow(expect.objectContaining({ status: 429, code: 'TOO_MANY_OPERATIONS' }));
  leaves[0]?.();
  leaves[0]?.();
  await settled();
  expect(ran).toEqual([1, 2, 3]);
  leaves[1]?.();
  await Promise.all(all);
  expect(ran).toEqual([1, 2, 3, 4]);
});

test('attack S9: who rests for what took up the process runs again, though nobody else comes', async () => {
  const executions = executionsWith({});
  for (let round = 0; round < 20; round++) {
    const other = await executions.turn('other');
    const leave = await executions.turn('resting');
    other();
    // Of the 5.999 ms to wait a timer counts five.
    executions.charge('resting', 4.999 / 4);
    leave();
    const next = executions.turn('resting');
    const forgotten = new Promise<never>((_, reject) => setTimeout(reject, 3_000, new Error('forgotten')).unref());
    (await Promise.race([next, forgotten]))();
  }
});

test('one that asks alone waits for nothing, not even for a promise', () => {
  const executions = executionsWith({});
  for (let count = 0; count < 3; count++) (executions.turn('p', 'client') as () => void)();
  expect(executions.turn('p', 'client')).toBeInstanceOf(Function);
});

test('all that may run of one that asks alone begin in one tick, and of several one each', async () => {
  const executions = executionsWith({ executionsPerCaller: 4, executionsBesideOthers: 4 });
  const tick = () => new Promise((resolve) => setImmediate(resolve));
  const started = (caller: string, client: string) => {
    const leaves: Array<() => void> = [];
    for (let count = 0; count < 8; count++) {
      void Promise.resolve(executions.turn(caller, client)).then((leave) => leaves.push(leave));
    }
    return leaves;
  };
  const alone = started('p', 'client');
  await tick();
  expect(alone).toHaveLength(4);
  for (const leave of [...alone]) leave();
  await tick();
  expect(alone).toHaveLength(8);
  for (const leave of alone) leave();
  // They share the client's four, and take turns.
  const [one, other] = [started('p', 'client'), started('q', 'client')];
  await tick();
  expect([one.length, other.length]).toEqual([4, 4]);
  for (const leave of [...one, ...other]) leave();
  await tick();
  expect([one.length, other.length]).toEqual([5, 4]);
  await tick();
  expect([one.length, other.length]).toEqual([5, 5]);
});

test('attack S9: callers take turns, however many operations one of them has waiting', async () => {
  const executions = executionsWith({ executions: 1, executionsPerCaller: 1 });
  const ran: string[] = [];
  const run = async (caller: string) => {
    const leave = await executions.turn(caller);
    ran.push(caller);
    await settled();
    leave();
  };
  const greedy = Array.from({ length: 10 }, () => run('greedy'));
  await settled();
  await Promise.all([run('modest'), run('other'), ...greedy]);
  expect(ran.indexOf('modest')).toBeLessThan(4);
  expect(ran.indexOf('other')).toBeLessThan(5);
  expect(ran).toHaveLength(12);
});

test('attack S9: who comes while a place is handed out does not take it from those who wait for it', async () => {
  const executions = executionsWith({ executions: 1 });
  const ran: string[] = [];
  const run = async (caller: string) => {
    const leave = await executions.turn(caller);
    ran.push(caller);
    return leave;
  };
  const leave = await run('first');
  const waiting = run('waiting');
  await settled();
  leave();
  const newcomer = run('newcomer');
  (await waiting)();
  (await newcomer)();
  expect(ran).toEqual(['first', 'waiting', 'newcomer']);

  const several = executionsWith({});
  (await several.turn('other', 'another client'))();
  const dear: string[] = [];
  const goOn = async (caller: string) => {
    await several.turn(caller, 'client');
    const end = await several.alone(caller, 'client');
    dear.push(caller);
    return end;
  };
  const end = await goOn('first');
  const held = goOn('waiting');
  await settled();
  await several.turn('newcomer', 'client');
  end();
  const late = several.alone('newcomer', 'client').then((ended) => {
    dear.push('newcomer');
    ended();
  });
  (await held)();
  await late;
  expect(dear).toEqual(['first', 'waiting', 'newcomer']);
});

test('attack S9: clients take turns, however many principals one of them has', async () => {
  const executions = executionsWith({ executions: 6 });
  const ran: string[] = [];
  const run = async (caller: string, client: string) => {
    const leave = await executions.turn(caller, client);
    ran.push(client);
    await settled();
    leave();
  };
  const storm = Array.from({ length: 60 }, (_, n) => run(`p${n}`, 'storm'));
  const first = run('q', 'quiet');
  await settled();
  // While it was alone it had the whole process; from now on it has a part.
  ran.length = 0;
  const quiet = [first, ...Array.from({ length: 5 }, () => run('q', 'quiet'))];
  await Promise.all(quiet);
  expect(ran.filter((client) => client === 'storm').length).toBeLessThan(20);
  await Promise.all(storm);
});

test('attack S8: new documents of many principals take no more of the process than their client’s allowance', async () => {
  const executions = executionsWith({});
  const plan = async (caller: string, client: string, milliseconds: number) => {
    const leave = await executions.turn(caller, client);
    executions.charge(caller, milliseconds, client);
    leave();
  };
  await plan('q', 'quiet', 1);
  for (let n = 0; n < 3; n++) await plan(`p${n}`, 'storm', 50);
  let ran = false;
  const next = plan('p9', 'storm', 50).then(() => {
    ran = true;
  });
  await plan('q', 'quiet', 1);
  await settled();
  expect(ran).toBe(false);
  await next;
});

test('attack S8: dear operations of a client come one at a time while others ask, and its others go on', async () => {
  const executions = executionsWith({});
  (await executions.turn('q', 'quiet'))();
  const ran: string[] = [];
  const leaves: Array<() => void> = [];
  const dear = async (caller: string) => {
    const leave = await executions.turn(caller, 'storm');
    const end = await executions.alone(caller, 'storm');
    ran.push(caller);
    leaves.push(() => {
      end();
      leave();
    });
  };
  const all = ['p1', 'p2', 'p3'].map(dear);
  await settled();
  expect(ran).toEqual(['p1']);
  // What is not dear does not wait for it, and neither does another client's.
  (await executions.turn('p4', 'storm'))();
  (await executions.turn('q', 'quiet'))();
  (await executions.alone('q', 'quiet'))();
  for (let ended = 0; ended < 3; ended++) {
    leaves[ended]?.();
    await settled();
  }
  expect(ran).toEqual(['p1', 'p2', 'p3']);
  await Promise.all(all);
});

test('attack S8: while nobody else asks, dear operations run side by side', async () => {
  const executions = executionsWith({});
  const leaves: Array<() => void> = [];
  for (let n = 0; n < 3; n++) {
    await executions.turn('only');
    leaves.push(await executions.alone('only'));
  }
  expect(leaves).toHaveLength(3);
});

test('attack S8: who has used up what dear operations may take waits with these alone', async () => {
  const executions = executionsWith({});
  (await executions.turn('q', 'quiet'))();
  const plan = async (caller: string, milliseconds: number) => {
    const leave = await executions.turn(caller, 'storm');
    const end = await executions.alone(caller, 'storm');
    executions.charge(caller, milliseconds, 'storm', true);
    end();
    leave();
  };
  await plan('p1', 90);
  await plan('p2', 30);
  let ran = false;
  const next = plan('p3', 1).then(() => {
    ran = true;
  });
  (await executions.turn('p4', 'storm'))();
  await settled();
  expect(ran).toBe(false);
  await next;
});

test('attack S8: dear operations that wait leave their places to others of their client', async () => {
  const executions = executionsWith({
    clientExecutionsBesideOthers: 2,
    executionsPerCaller: 3,
    operationsPerCaller: 8,
  });
  (await executions.turn('q', 'quiet'))();
  const ends: Array<() => void> = [];
  const dear = async (caller: string) => {
    const leave = await executions.turn(caller, 'storm');
    const end = await executions.alone(caller, 'storm');
    ends.push(() => {
      end();
      leave();
    });
  };
  const all = ['p1', 'p2', 'p2', 'p3', 'p3', 'p4'].map(dear);
  await settled();
  expect(ends).toHaveLength(1);
  // Two at once: one is dear, so there is room for one more, and then for none.
  const leave = await executions.turn('p2', 'storm');
  let ran = false;
  const next = Promise.resolve(executions.turn('p3', 'storm')).then((left) => {
    ran = true;
    left();
  });
  await settled();
  expect(ran).toBe(false);
  leave();
  await next;
  for (let ended = 0; ended < 6; ended++) {
    ends[ended]?.();
    await settled();
  }
  await Promise.all(all);
  expect(ends).toHaveLength(6);
});

test('attack S8: what a dear operation keeps the process for is measured, until it ends', async () => {
  const executions = executionsWith({});
  const leaveOther = await executions.turn('q', 'quiet');
  const leave = await executions.turn('p', 'storm');
  const end = await executions.alone('p', 'storm');
  for (let steps = 0; steps < 5; steps++) {
    const until = performance.now() + 10;
    while (performance.now() < until);
    await settled();
  }
  const keptMs = end();
  // Most of 50 ms: what else ran has a small part.
  expect(keptMs).toBeGreaterThan(40);
  expect(end()).toBe(keptMs);
  leave();
  leaveOther();
});

test('attack S8: who waits for long goes on waiting while others ask, though it asks for nothing new', async () => {
  const executions = executionsWith({});
  (await executions.turn('q', 'quiet'))();
  const plan = async () => {
    const leave = await executions.turn('p', 'storm');
    const end = await executions.alone('p', 'storm');
    executions.charge('p', 200, 'storm', true);
    end();
    leave();
  };
  await plan();
  const before = performance.now();
  let waited = 0;
  const next = plan().then(() => {
    waited = performance.now() - before;
  });
  while (waited === 0) {
    (await executions.turn('q', 'quiet'))();
    await settled();
  }
  await next;
  // The longest that one is made to wait, and well above the second for which a member that asked counts.
  expect(waited).toBeGreaterThan(1_900);
});

test('whoever had more of a busy database than the others rests as long, and nobody else does', async () => {
  const executions = new Executions(defaultServerLimits, { databaseIsBusy: () => true });
  const wait = async (client: string, milliseconds: number) => {
    const before = performance.now();
    const leave = await executions.turn(client);
    const waitedMs = performance.now() - before;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    leave();
    return waitedMs;
  };
  await wait('quiet', 1);
  await wait('storm', 300);
  const [quiet, storm] = await Promise.all([wait('quiet', 1), wait('storm', 1)]);
  expect(quiet).toBeLessThan(storm);
  expect(storm).toBeGreaterThan(200);
});

test('attack S8: whoever took up the process rests while others ask too, and only then', async () => {
  const executions = executionsWith({});
  const busy = async () => {
    const leave = await executions.turn('busy');
    executions.charge('busy', 50);
    leave();
  };
  await busy();
  await busy();
  const leave = await executions.turn('other');
  let ran = false;
  const resting = busy().then(() => {
    ran = true;
  });
  await settled();
  expect(ran).toBe(false);
  leave();
  await resting;
});

test('attack S9: while others ask too, nobody has more than half of the process', async () => {
  const executions = executionsWith({});
  const work = async (caller: string, milliseconds: number) => {
    const leave = await executions.turn(caller);
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
    // The loop counts its time when it goes round.
    await new Promise((resolve) => setImmediate(resolve));
    leave();
  };
  await work('busy', 1);
  await work('modest', 1);
  await work('busy', 150);
  const before = performance.now();
  await work('modest', 1);
  const modest = performance.now();
  await work('busy', 1);
  const busy = performance.now();
  expect(modest - before).toBeLessThan(busy - modest);
});

test('attack S9: callers without a token share one part of the server, and leave the rest to others', async () => {
  const executions = executionsWith({ anonymousExecutions: 1, anonymousOperations: 2 });
  await executions.turn('');
  void executions.turn('');
  expect(() => executions.turn('')).toThrow(expect.objectContaining({ status: 429 }));
  expect(await executions.turn('p')).toBeInstanceOf(Function);
});

test('limits are read by their names, and what is wrong is said', () => {
  expect(readLimits('sockets=5, socketBytes = 1000')).toEqual({ sockets: 5, socketBytes: 1000 });
  expect(() => readLimits('socket=5')).toThrow(`there is no limit "socket"; the limits are ${limitNames.join(', ')}`);
  for (const wrong of ['sockets', 'sockets=', 'sockets=0', 'sockets=-1', 'sockets=1.5', 'sockets=many']) {
    expect(() => readLimits(wrong)).toThrow('sockets must be a whole number above 0, such as 1000');
  }
});

test('docs/limits-and-known-gaps.md lists every limit with its default', () => {
  const page = readFileSync(join(root, 'docs/limits-and-known-gaps.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `(\w+)` +\| +([\d,]+) \|/gm)].map(([, name, number = '']) => [
    name,
    Number(number.replaceAll(',', '')),
  ]);
  expect(listed).toEqual([...Object.entries(defaultLimits), ...Object.entries(defaultServerLimits)]);
});
