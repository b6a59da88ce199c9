import type { DataSource, EntityManager } from 'typeorm';
import { DAY_MS } from '../../law/calendar';
import { dialectOf } from '../../storage/dialect';
import { affectedRows, chunksOf, insertStatement, placesFor } from '../../storage/sql';
import { repeatable } from '../../storage/transaction';
import { parseCheckpoint } from './checkpoint';
import { type AuditEntry, timeOfId } from './entry';
import { hashLeaf, rootOf } from './merkle';

/** How far a log had come when a later one began. */
export interface LogEnd {
  readonly logId: string;
  readonly size: number;
  readonly root: Buffer;
}

/** The logs that a new one restates. */
export interface EarlierLogs {
  readonly ends: ReadonlyArray<LogEnd & { readonly checkpoint: string | null }>;
  /** Those of them that have ended: no later log needs to restate them. */
  readonly ended: readonly string[];
  /** The database's clock, in milliseconds since 1970. */
  readonly now: number;
}

/** What an entry that opens a log says of the logs before it: how many, and the root of the tree of their ends. */
export type StatedLogs = NonNullable<AuditEntry['earlier']>;

/** A log of a version that knew no leases counts as ended after this long without a new entry. Milliseconds. */
const ENDED_AFTER_MS = DAY_MS;
/** Rows of one query. Vitess gives 10,000 at most. */
const PAGE = 5_000;
/** Ends in one row: a hundred kilobytes. */
const PER_PART = 1_000;

interface UnsettledRow {
  readonly log_id: string;
  readonly opened_at: number;
  readonly alive_until: number | null;
  readonly entry_id: string | null;
  readonly checkpoint: string | null;
  readonly clock: number;
}

/** The ends of all logs that no later log has settled: one query for thousands of them. */
export async function unsettledLogs(source: DataSource): Promise<EarlierLogs> {
  const rows: UnsettledRow[] = [];
  for (let page: UnsettledRow[] | undefined; page === undefined || page.length === PAGE; ) {
    page = await unsettledAfter(source, rows.at(-1)?.log_id ?? '');
    rows.push(...page);
  }
  const now = Number(rows[0]?.clock ?? 0);
  const ends = rows.map(({ log_id: logId, checkpoint }) => {
    const { size, root } = checkpoint === null ? { size: 0, root: Buffer.alloc(0) } : parseCheckpoint(checkpoint);
    return { logId, size, root, checkpoint };
  });
  return { ends, ended: rows.filter((row) => hasEnded(row, now)).map((row) => row.log_id), now };
}

function unsettledAfter(source: DataSource, after: string): Promise<UnsettledRow[]> {
  // A log's last entry by its key, from the end: a MAX would read all of its entries on some engines.
  return source.query<UnsettledRow[]>(
    `SELECT l.log_id, l.opened_at, l.alive_until, e.entry_id, e.checkpoint, ${dialectOf(source).now} * 1000 AS clock
     FROM audit_log l LEFT JOIN audit_entry e ON e.log_id = l.log_id AND e.sequence =
     (SELECT m.sequence FROM audit_entry m WHERE m.log_id = l.log_id ORDER BY m.sequence DESC LIMIT 1)
     WHERE l.settled = 0 AND l.log_id > ? ORDER BY l.log_id LIMIT ${PAGE}`,
    [after],
  );
}

function hasEnded({ opened_at: openedAt, alive_until: aliveUntil, entry_id: last }: UnsettledRow, now: number) {
  if (aliveUntil !== null) return Number(aliveUntil) < now;
  return (last === null ? Number(openedAt) : timeOfId(last)) < now - ENDED_AFTER_MS;
}

/** Marks logs that have ended, once a later log has stated how. One that is in use again is left out. */
export async function settle(source: DataSource, { ended, now }: EarlierLogs): Promise<void> {
  for (const ids of chunksOf(ended, PER_PART)) {
    const places = placesFor(ids);
    await repeatable(source, (manager) =>
      affectedRows(
        manager,
        `UPDATE audit_log SET settled = 1
         WHERE log_id IN (${places}) AND (alive_until IS NULL OR alive_until < ?)`,
        [...ids, now],
      ),
    );
  }
}

/** What the entry that opens a log says of the logs before it. */
export function statementOf(ends: readonly LogEnd[]): StatedLogs {
  return {
    logs: ends.length,
    root: rootOf(ends.map(lineOf).map((line) => hashLeaf(Buffer.from(line)))).toString('base64'),
  };
}

/** Keeps the ends that a log states beside it: its first entry has no more than their root. */
export async function keepEnds(manager: EntityManager, logId: string, ends: readonly LogEnd[]): Promise<void> {
  const parts = [...chunksOf(ends, PER_PART)];
  if (parts.length === 0) return;
  const values = parts.flatMap((part, index) => [logId, index, Buffer.from(part.map(lineOf).join(''))]);
  await manager.query(insertStatement('audit_earlier', ['log_id', 'part', 'ends'], parts.length), values);
}

/** The ends that logs of a database have kept, by the log that states them. */
export async function keptEnds(source: DataSource): Promise<Map<string, LogEnd[]>> {
  const kept = new Map<string, LogEnd[]>();
  const rows = await source.query<Array<{ log_id: string; ends: Buffer }>>(
    'SELECT log_id, ends FROM audit_earlier ORDER BY log_id, part',
  );
  for (const { log_id: log, ends } of rows) {
    const lines = ends.toString('utf8').split('\n').slice(0, -1);
    kept.set(log, [...(kept.get(log) ?? []), ...lines.map(endIn)]);
  }
  return kept;
}

const lineOf = ({ logId, size, root }: LogEnd): string => `${logId} ${size} ${root.toString('base64')}\n`;

function endIn(line: string): LogEnd {
  const [logId = '', size = '', root = ''] = line.split(' ');
  return { logId, size: Number(size), root: Buffer.from(root, 'base64') };
}
