import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlLog } from '../support/sql-log';

/** Some looks of a feed. */
export const LOOKS_MS = 1_200;

/** Waits until a feed of transfers has looked: on a busy machine that takes a while. */
export async function looked(log: SqlLog): Promise<void> {
  for (let seen = ''; !/FROM `transfer_approval`/.test(seen); await sleep(20))
    seen += log
      .take()
      .map(({ sql }) => sql)
      .join();
  await sleep(LOOKS_MS);
}
