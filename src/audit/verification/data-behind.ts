import type { DataSource } from 'typeorm';
import type { Regions } from '../../storage/regions';
import { committed } from '../../storage/transaction';
import { acknowledgedGaps } from './gaps';

/**
 * Whether the data is older than the keys' store has seen it: a log of the ledger is missing, or ends before its head. So
 * it is after an older backup of the data was put back, and what the data does not know may still be somebody's.
 */
export async function isDataBehind(regions: Regions, keys: DataSource): Promise<boolean> {
  // Heads first: a log goes on growing meanwhile, and is durable before its head is kept.
  const heads = await keys.query<Array<{ log_id: string; tree_size: number }>>(
    'SELECT log_id, tree_size FROM audit_head',
  );
  const sizes = new Map<string, number>();
  for (const source of regions.all()) {
    const logs = await committed(source, () =>
      source.query<Array<{ log_id: string; pruned: number; last: number | null }>>(
        `SELECT l.log_id AS log_id, l.pruned AS pruned,
         (SELECT MAX(e.sequence) FROM audit_entry e WHERE e.log_id = l.log_id) AS last FROM audit_log l`,
      ),
    );
    for (const { log_id, pruned, last } of logs) sizes.set(log_id, last === null ? Number(pruned) : Number(last) + 1);
  }
  const behind = heads
    .map(({ log_id: log, tree_size: seen }) => ({ log, seen: Number(seen), size: sizes.get(log) ?? 0 }))
    .filter(({ seen, size }) => size < seen);
  if (behind.length === 0) return false;
  // What an operator accepted as lost is not expected back.
  const accepted = await acknowledgedGaps(regions.all());
  return behind.some(
    ({ log, seen, size }) => !accepted.some((gap) => gap.log === log && gap.size === size && gap.seen >= seen),
  );
}
