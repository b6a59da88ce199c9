import type { DataSource } from 'typeorm';
import type { Receipt } from './receipts';

/** A stored receipt, with the tree size of its checkpoint. */
export interface StoredReceipt extends Receipt {
  readonly size: number;
}

interface Row {
  readonly tree_size: number;
  readonly kind: Receipt['kind'];
  readonly receipt: Buffer;
}

/** A log's receipts for tree sizes above `from`, up to `to`, smallest first. */
export async function receiptsWithin(
  source: DataSource,
  logId: string,
  from: number,
  to: number,
): Promise<StoredReceipt[]> {
  const rows = await source.query<Row[]>(
    `SELECT tree_size, kind, receipt FROM audit_anchor
     WHERE log_id = ? AND tree_size > ? AND tree_size <= ? ORDER BY tree_size, kind`,
    [logId, from, to],
  );
  return rows.map(({ tree_size: size, kind, receipt: content }) => ({ size: Number(size), kind, content }));
}

/** The number of receipts of each kind up to a tree size, and the largest tree size among them. */
export async function receiptsUpTo(
  source: DataSource,
  logId: string,
  to: number,
): Promise<Array<{ kind: Receipt['kind']; receipts: number; size: number }>> {
  const rows = await source.query<Array<{ kind: Receipt['kind']; receipts: number; size: number }>>(
    `SELECT kind, COUNT(*) AS receipts, MAX(tree_size) AS size FROM audit_anchor
     WHERE log_id = ? AND tree_size <= ? GROUP BY kind`,
    [logId, to],
  );
  return rows.map(({ kind, receipts, size }) => ({ kind, receipts: Number(receipts), size: Number(size) }));
}

/** The largest tree size with a receipt, of each log that has one. */
export async function furthestReceipts(source: DataSource): Promise<Map<string, number>> {
  const rows = await source.query<Array<{ log_id: string; size: number }>>(
    'SELECT log_id, MAX(tree_size) AS size FROM audit_anchor GROUP BY log_id',
  );
  return new Map(rows.map(({ log_id: log, size }) => [log, Number(size)]));
}

const PAGE = 500;

/** Every receipt in a database with its checkpoint; null where that was pruned. */
export async function* allReceipts(
  source: DataSource,
): AsyncGenerator<Receipt & { readonly at: Date; readonly checkpoint: string | null }> {
  let after = ['', 0, ''];
  for (;;) {
    const [log, size, kind] = after;
    const rows = await source.query<Array<Row & { log_id: string; anchored_at: number; checkpoint: string | null }>>(
      'SELECT a.log_id, a.tree_size, a.kind, a.anchored_at, a.receipt, e.checkpoint FROM audit_anchor a ' +
        'LEFT JOIN audit_entry e ON e.log_id = a.log_id AND e.sequence = a.tree_size - 1 ' +
        'WHERE a.log_id > ? OR (a.log_id = ? AND (a.tree_size > ? OR (a.tree_size = ? AND a.kind > ?))) ' +
        `ORDER BY a.log_id, a.tree_size, a.kind LIMIT ${PAGE}`,
      [log, log, size, size, kind],
    );
    for (const { kind, receipt: content, anchored_at: at, checkpoint } of rows) {
      // A witness's note contains the checkpoint, so it outlasts the pruned entry.
      yield { kind, content, at: new Date(Number(at)), checkpoint: kind === 'witness' ? String(content) : checkpoint };
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = [last.log_id, last.tree_size, last.kind];
  }
}
