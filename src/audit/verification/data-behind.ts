import type { DataSource } from 'typeorm';
import type { Regions } from '../../storage/regions';
import { chunksOf, placesFor } from '../../storage/sql';
import { committed, repeatable } from '../../storage/transaction';
import { acknowledgedGaps } from './gaps';

/** Logs in one statement. */
const LOGS = 500;

interface Size {
  readonly size: number;
  readonly settled: boolean;
}

/**
 * Whether the data is older than the keys' store: a log of the ledger is missing, or shorter than the store has seen
 * it. That is so after an older backup of the data was restored; rows and keys may then not match.
 *
 * A log that is whole and settled is not looked at again: were the data older than its end, the log that settled it
 * would be missing too.
 */
export async function isDataBehind(regions: Regions, keys: DataSource): Promise<boolean> {
  // Heads first: a log goes on growing meanwhile, and its entries are durable before its head is kept.
  const heads = await keys.query<Array<{ log_id: string; tree_size: number }>>(
    'SELECT log_id, tree_size FROM audit_head WHERE settled = 0 ORDER BY log_id',
  );
  const sizes = new Map<string, Size>();
  for (const chunk of chunksOf(heads, LOGS)) {
    const ids = chunk.map(({ log_id: log }) => log);
    for (const source of regions.all()) for (const [log, size] of await sizesIn(source, ids)) sizes.set(log, size);
  }
  const behind = heads
    .map(({ log_id: log, tree_size: seen }) => ({ log, seen: Number(seen), size: sizes.get(log)?.size ?? 0 }))
    .filter(({ seen, size }) => size < seen);
  const lost = new Set(behind.map(({ log }) => log));
  await settleHeads(
    keys,
    heads.map(({ log_id: log }) => log).filter((log) => sizes.get(log)?.settled && !lost.has(log)),
  );
  if (behind.length === 0) return false;
  // Loss that an operator acknowledged does not count.
  const accepted = await acknowledgedGaps(regions.all());
  return behind.some(
    ({ log, seen, size }) => !accepted.some((gap) => gap.log === log && gap.size === size && gap.seen >= seen),
  );
}

async function sizesIn(source: DataSource, ids: readonly string[]): Promise<Map<string, Size>> {
  // A log's last entry by its key, from the end: a MAX would read all of its entries on some engines.
  const logs = await committed(source, () =>
    source.query<Array<{ log_id: string; settled: number; pruned: number; last: number | null }>>(
      `SELECT l.log_id AS log_id, l.settled AS settled, l.pruned AS pruned,
       (SELECT e.sequence FROM audit_entry e WHERE e.log_id = l.log_id ORDER BY e.sequence DESC LIMIT 1) AS \`last\`
       FROM audit_log l WHERE l.log_id IN (${placesFor(ids)})`,
      [...ids],
    ),
  );
  return new Map(
    logs.map(({ log_id: log, settled, pruned, last }) => {
      const size = last === null ? Number(pruned) : Number(last) + 1;
      return [log, { size, settled: Number(settled) === 1 }];
    }),
  );
}

async function settleHeads(keys: DataSource, logs: readonly string[]): Promise<void> {
  for (const ids of chunksOf(logs, LOGS)) {
    await repeatable(keys, (manager) =>
      manager.query(`UPDATE audit_head SET settled = 1 WHERE log_id IN (${placesFor(ids)})`, [...ids]),
    );
  }
}
