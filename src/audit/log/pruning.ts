import type { DataSource } from 'typeorm';
import type { AuditKind } from '../../identity/audit-kinds';
import type { ChangeRecorder } from '../../identity/change-recorder';
import { inTransaction } from '../../storage/transaction';
import { GAP_ACKNOWLEDGED } from '../verification/gaps';
import { type AuditEntry, type EntryRow, entryColumns, entryOf, timeOfId } from './entry';
import { hashLeaf } from './merkle';
import { mayBePruned } from './retention-rules';
import { TILE_LEAVES } from './tiles';

export interface Pruned {
  readonly log: string;
  /** Entries pruned from its beginning, earlier prunings included. */
  readonly entries: number;
}

/** A ledger that does not verify is evidence: none of it is pruned. */
export class TamperedLogError extends Error {
  override readonly name = 'TamperedLogError';

  constructor(log: string, sequence: number) {
    super(`log ${log}, entry ${sequence} is not what was hashed; nothing is pruned from it: run remit audit verify`);
  }
}

const PRUNER = 'audit-retention';
const ROWS_PER_DELETE = 1_000;

/**
 * Removes entries whose retention has ended, from the beginning of each log and whole tiles at a time. Their hashes
 * stay, so the rest verifies as before. The pruning itself is recorded first.
 */
export async function pruneLedger(
  sources: readonly DataSource[],
  recorder: ChangeRecorder,
  now: number = Date.now(),
): Promise<Pruned[]> {
  const all: Pruned[] = [];
  for (const source of sources) {
    const logs = await source.query<Array<{ log_id: string; settled: number; pruned: number }>>(
      'SELECT log_id, settled, pruned FROM audit_log ORDER BY log_id',
    );
    for (const { log_id: log, settled, pruned } of logs) {
      const entries = await pruneLog({ source, recorder, log, ended: Number(settled) === 1, now }, Number(pruned));
      if (entries > Number(pruned)) all.push({ log, entries });
    }
  }
  return all;
}

interface Job {
  readonly source: DataSource;
  readonly recorder: ChangeRecorder;
  readonly log: string;
  readonly ended: boolean;
  readonly now: number;
}

async function pruneLog(job: Job, pruned: number): Promise<number> {
  const { source, recorder, log } = job;
  let end = pruned;
  const repeated: Array<{ kind: AuditKind; details: NonNullable<AuditEntry['details']> }> = [];
  for (let rows = await tileAt(job, end); rows.length > 0; rows = await tileAt(job, end)) {
    await keepHashes(job, end, rows);
    for (const { body } of rows) {
      const { kind, details } = entryOf(body);
      // An entry about another log's pruning or lost end must outlive the pruning of its own log.
      if (details && (kind === GAP_ACKNOWLEDGED || (kind === 'LOG_PRUNED' && details.log !== log))) {
        repeated.push({ kind, details });
      }
    }
    end += rows.length;
    if (rows.length < TILE_LEAVES) break;
  }
  if (end === pruned) return pruned;
  for (const { kind, details } of [...repeated, { kind: 'LOG_PRUNED', details: { log, entries: end } } as const]) {
    await recorder.record(kind, { principal: PRUNER, details });
  }
  await inTransaction(source, async (manager) => {
    await manager.query('UPDATE audit_log SET pruned = ? WHERE log_id = ?', [end, log]);
    // What its first entry vouched for goes with that entry.
    await manager.query('DELETE FROM audit_earlier WHERE log_id = ?', [log]);
  });
  for (let sequence = 0; sequence < end; sequence += ROWS_PER_DELETE) {
    const until = Math.min(end, sequence + ROWS_PER_DELETE);
    await inTransaction(source, (manager) =>
      manager.query('DELETE FROM audit_entry WHERE log_id = ? AND sequence >= ? AND sequence < ?', [
        log,
        sequence,
        until,
      ]),
    );
  }
  return end;
}

/**
 * The entries of the next tile, if all of them may go. Of a log that has ended, also the last tile, which may not be
 * full.
 */
async function tileAt({ source, log, ended, now }: Job, from: number): Promise<EntryRow[]> {
  if (from % TILE_LEAVES !== 0) return [];
  const rows = await source.query<EntryRow[]>(
    `SELECT ${entryColumns} FROM audit_entry WHERE log_id = ? AND sequence >= ? AND sequence < ? ORDER BY sequence`,
    [log, from, from + TILE_LEAVES],
  );
  if (rows.length < TILE_LEAVES && !ended) return [];
  for (const [index, row] of rows.entries()) {
    const sequence = from + index;
    const whole = Number(row.sequence) === sequence && hashLeaf(row.body).toString('base64url') === row.leaf_hash;
    if (!whole) throw new TamperedLogError(log, sequence);
    if (!mayBePruned(entryOf(row.body).kind, timeOfId(row.entry_id), now)) return [];
  }
  return rows;
}

async function keepHashes({ source, log }: Job, from: number, rows: readonly EntryRow[]): Promise<void> {
  const hashes = Buffer.concat(rows.map(({ leaf_hash: hash }) => Buffer.from(hash, 'base64url')));
  const key = [log, from / TILE_LEAVES];
  await inTransaction(source, async (manager) => {
    await manager.query('DELETE FROM audit_tile WHERE log_id = ? AND level = 0 AND tile_index = ?', key);
    await manager.query('INSERT INTO audit_tile (log_id, tile_index, level, hashes) VALUES (?, ?, 0, ?)', [
      ...key,
      hashes,
    ]);
  });
}
