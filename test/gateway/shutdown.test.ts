import { setTimeout as sleep } from 'node:timers/promises';
import { endInOrder } from '../../src/gateway/shutdown';

const never = () => new Promise<never>(() => undefined);

test('what hangs or fails is named, what comes after it is ended too, and all of it takes no longer than the grace', async () => {
  const ended: string[] = [];
  const lines: object[] = [];
  const logger = { error: (line: object) => void lines.push(line) };
  const step = (what: string, end: () => Promise<unknown>) => ({ what, end });
  const endings = [
    step('requests', never),
    step('work', async () => {
      await sleep(1);
      ended.push('work');
    }),
    step('the ledger', async () => {
      throw new Error('no disk');
    }),
    step('the stores', async () => ended.push('the stores')),
  ];
  expect(await endInOrder(endings, 600, logger)).toBe(false);
  expect(ended).toEqual(['work', 'the stores']);
  expect(lines).toEqual([
    { hung: 'requests', limitMs: 400, err: expect.objectContaining({ message: 'ending took too long' }) },
    { hung: 'the ledger', limitMs: expect.any(Number), err: expect.objectContaining({ message: 'no disk' }) },
  ]);
  lines.length = 0;
  expect(await endInOrder([step('a', never), step('b', never), step('c', never)], 300, logger)).toBe(false);
  const limits = lines.map((line) => (line as { limitMs: number }).limitMs);
  expect(limits.reduce((sum, ms) => sum + ms)).toBeLessThanOrEqual(300);
  expect(await endInOrder([step('a', async () => undefined)], 300, logger)).toBe(true);
});
