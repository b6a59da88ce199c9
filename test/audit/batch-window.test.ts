import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWindow } from '../../src/audit/log/batch-window';

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Counts batches that may be written. */
const counted = (...batches: ReadonlyArray<{ readonly gathered: Promise<void> }>) => {
  const count = { written: 0 };
  for (const { gathered } of batches) {
    void gathered.then(() => {
      count.written++;
    });
  }
  return count;
};

describe('entries of operations that run side by side', () => {
  test('one that runs alone waits for nobody', async () => {
    const batchWindow = new BatchWindow(60_000);
    batchWindow.join()();
    const batch = counted(batchWindow.gather());
    await Promise.resolve();
    expect(batch.written).toBe(1);
  });

  test('others wait until everybody under way has come, whichever log they come into', async () => {
    const batchWindow = new BatchWindow(60_000);
    const first = batchWindow.join();
    const batches = counted(batchWindow.gather(), batchWindow.gather());
    const second = batchWindow.join();
    first();
    first();
    await turns(2);
    expect(batches.written).toBe(0);
    second();
    await turns(1);
    expect(batches.written).toBe(2);
  });

  test('but not for long: an operation may be slow, or never end', async () => {
    const batchWindow = new BatchWindow(20);
    batchWindow.join();
    await batchWindow.gather().gathered;
    // It is old by now, and nobody waits for it any more.
    await sleep(80);
    const batch = counted(batchWindow.gather());
    await Promise.resolve();
    expect(batch.written).toBe(1);
  });

  test('and where they are quick, no longer than a few of them take', async () => {
    const batchWindow = new BatchWindow(60_000);
    for (let operation = 0; operation < 1_000; operation++) batchWindow.join()();
    batchWindow.join();
    // A minute, but for them.
    await batchWindow.gather().gathered;
  });

  test('where all take long, they are waited for as others are', async () => {
    const batchWindow = new BatchWindow(10);
    for (let operation = 0; operation < 3; operation++) {
      const ended = Array.from({ length: 40 }, () => batchWindow.join());
      await sleep(20 * (operation + 1));
      for (const end of ended) end();
    }
    batchWindow.join();
    await sleep(20);
    const batch = counted(batchWindow.gather());
    await Promise.resolve();
    expect(batch.written).toBe(0);
  });

  test('and one whose operation goes on after it waits for nobody', async () => {
    const batchWindow = new BatchWindow(60_000);
    batchWindow.join();
    const { gathered, hurry } = batchWindow.gather();
    hurry();
    await gathered;
  });
});
