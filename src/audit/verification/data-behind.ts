import type { DataSource } from 'typeorm';
import type { Regions } from '../../storage/regions';
import { committed } from '../../storage/transaction';
import { acknowledgedGaps } from './gaps';

/**
 * Whether the data is older than the keys' store: a log of the ledger is missing, or shorter than the store has seen
 * it. That is so after an older backup of the data was restored; rows and keys may then not match.
 */
export async function isDataBehind(regions: Regions, keys: DataSource): Promise<boolean> {
  // Heads first: a log goes on growing meanwhile, and its entries are durable before its head is kept.
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
  // Loss that an operator acknowledged does not count.
  const accepted = await acknowledgedGaps(regions.all());
  return behind.some(
    ({ log, seen, size }) => !accepted.some((gap) => gap.log === log && gap.size === size && gap.seen >= seen),
  );
}
