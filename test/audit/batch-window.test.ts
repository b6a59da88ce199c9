import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWindow } from '../../src/audit/log/batch-window';

/** Works until the process counts as busy. */
function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('entries of operations that run side by side', () => {
  test('a process that is not busy waits for nobody', async () => {
    const batchWindow = new BatchWindow(60_000);
    batchWindow.join();
    await sleep(100);
    let written = false;
    const group = batchWindow.gathered().then(() => {
      written = true;
    });
    await turns(2);
    expect(written).toBe(true);
    await group;
  });

  test('a busy one waits until everybody under way has come, whichever log they come into', async () => {
    const batchWindow = new BatchWindow(60_000);
    const [first, second] = [batchWindow.join(), batchWindow.join()];
    work(50);
    const groups = [batchWindow.gathered()];
    work(5);
    groups.push(batchWindow.gathered());
    let written = 0;
    for (const group of groups) void group.then(() => written++);
    first();
    first();
    await turns(5);
    expect(written).toBe(0);
    second();
    await Promise.all(groups);
    expect(written).toBe(2);
  });

  test('but not for long: an operation may be slow, or never end', async () => {
    const batchWindow = new BatchWindow(20);
    batchWindow.join();
    work(50);
    await batchWindow.gathered();
  });
});
