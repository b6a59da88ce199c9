import type { DataSource } from 'typeorm';
import type { Witnessed } from '../log/checkpoint-store';
import { keptEnds, statementOf } from '../log/earlier-logs';
import { entryIn } from '../log/entry';
import type { CheckpointKeys } from '../log/key-history';
import type { Anchored } from '../witness/anchor-file';
import type { AnchorReport } from '../witness/anchor-tally';
import type { Trust } from '../witness/receipts';
import { furthestReceipts } from '../witness/stored-receipts';
import { type Gap, isAcknowledged } from './gaps';
import { type Finding, type LogToVerify, LogVerification, type Pruning } from './log-verification';

export interface LogReport {
  readonly log: string;
  /** Number of entries, pruned ones included. */
  readonly size: number;
  readonly pruned: number;
  /** Their root, in base64. */
  readonly root: string;
  /** Entries covered by a fully checked anchor; null where there is none. */
  readonly anchoredTo: number | null;
  /** The anchors outside, and how each was checked. */
  readonly anchors: readonly AnchorReport[];
}

export interface Verification {
  readonly sound: boolean;
  readonly entries: number;
  readonly checkpoints: number;
  readonly logs: readonly LogReport[];
  readonly findings: readonly Finding[];
  /** Missing ends of logs that an operator acknowledged on the record. */
  readonly acknowledged: readonly Gap[];
}

export interface VerificationOptions {
  readonly publicKey: CheckpointKeys;
  /** Checkpoints that others saw: the keys' store and anchors. */
  readonly witnessed: readonly Witnessed[];
  readonly anchored: readonly Anchored[];
  /** Whose receipts count. Default: nobody's. */
  readonly trust?: Trust;
  readonly onProgress?: (entries: number) => void;
}

/**
 * Recomputes the ledger from the database: each entry's hash, each log's tree, each checkpoint and its signature, and
 * whether everything that others saw is still there.
 */
export async function verifyLedger(
  sources: readonly DataSource[],
  { publicKey, witnessed, anchored, trust = { witnesses: [], authorities: [] }, onProgress }: VerificationOptions,
): Promise<Verification> {
  const findings: Finding[] = [];
  const reports: LogReport[] = [];
  const prunings: Pruning[] = [];
  const accepted: Gap[] = [];
  const expected = new Map<string, Witnessed[]>();
  const expect = (seen: Witnessed) => expected.set(seen.logId, [...(expected.get(seen.logId) ?? []), seen]);
  for (const seen of [...witnessed, ...anchored]) expect(seen);
  for (const source of sources) {
    const stated = await statedByLogs(source);
    for (const seen of stated.seen) expect(seen);
    findings.push(...stated.findings);
  }

  let entries = 0;
  let checkpoints = 0;
  for (const source of sources) {
    for (const { pruned, ...known } of await logsIn(source)) {
      const { logId } = known;
      const log = new LogVerification({ source, ...known, publicKey, expected: expected.get(logId) ?? [], trust });
      expected.delete(logId);
      await log.run(pruned, (count) => onProgress?.(entries + count));
      entries += log.read;
      checkpoints += log.checkpoints;
      findings.push(...log.findings);
      prunings.push(...log.prunings);
      accepted.push(...log.acknowledged);
      for (const seen of anchored) if (seen.logId === logId && seen.size <= log.size) log.anchors.add(seen, seen.size);
      const anchors = log.anchors.all();
      reports.push({
        log: logId,
        size: log.size,
        pruned,
        root: log.root.toString('base64'),
        anchoredTo: anchors.find(({ verified }) => verified)?.reaches ?? null,
        anchors,
      });
    }
  }
  for (const [logId, all] of expected) {
    const seen = all.reduce((most, each) => (each.size > most.size ? each : most));
    if (seen.size === 0) continue;
    const message = `the whole log is missing: ${seen.by} saw ${seen.size} entries of it`;
    const gap = { log: logId, size: 0, root: '', seen: seen.size };
    findings.push({ problem: 'MISSING', log: logId, sequence: 0, entry: undefined, message, gap });
  }
  for (const { log, pruned } of reports) {
    if (pruned === 0 || prunings.some((pruning) => pruning.log === log && pruning.entries >= pruned)) continue;
    const message = `entries 0 to ${pruned - 1} are missing: no entry says that they were pruned`;
    findings.push({ problem: 'MISSING', log, sequence: 0, entry: undefined, message });
  }
  const acknowledged = findings.flatMap(({ gap }) => (gap && isAcknowledged(gap, accepted) ? gap : []));
  const open = findings.filter(({ gap }) => !gap || !acknowledged.includes(gap));
  return { sound: open.length === 0, entries, checkpoints, logs: reports, findings: open, acknowledged };
}

/** What the first entry of each log says of the logs before it, and where that is no longer what it was. */
async function statedByLogs(source: DataSource): Promise<{ seen: Witnessed[]; findings: Finding[] }> {
  const rows = await source.query<Array<{ log_id: string; entry_id: string; body: Buffer }>>(
    'SELECT log_id, entry_id, body FROM audit_entry WHERE sequence = 0',
  );
  const kept = await keptEnds(source);
  const findings: Finding[] = [];
  const seen = rows.flatMap(({ log_id: log, entry_id: entry, body }): Witnessed[] => {
    const { before = [], earlier } = entryIn(body) ?? {};
    const ends = kept.get(log) ?? [];
    if (earlier && statementOf(ends).root !== earlier.root) {
      const problem = ends.length < earlier.logs ? ('MISSING' as const) : ('ALTERED' as const);
      const message = `how far ${earlier.logs} logs before it had come is no longer what its first entry vouches for`;
      findings.push({ problem, log, sequence: 0, entry, message });
    }
    const by = `log ${log}`;
    const named = before.map(({ log: logId, size, root }) => ({ logId, size, root: Buffer.from(root, 'base64') }));
    return [...named, ...(earlier ? ends : [])].map((end) => ({ ...end, by }));
  });
  return { seen, findings };
}

interface KnownLog extends Pick<LogToVerify, 'logId' | 'last' | 'receiptsTo'> {
  readonly pruned: number;
}

/** Every log that has entries, or is said to have had some. */
async function logsIn(source: DataSource): Promise<KnownLog[]> {
  const logs = await source.query<Array<{ log_id: string; pruned: number }>>('SELECT log_id, pruned FROM audit_log');
  // Receipts come first: entries are written and anchored meanwhile.
  const receipts = await furthestReceipts(source);
  const filled = await source.query<Array<{ log_id: string; last_one: number }>>(
    'SELECT log_id, MAX(sequence) AS last_one FROM audit_entry GROUP BY log_id',
  );
  const pruned = new Map(logs.map((row) => [row.log_id, Number(row.pruned)]));
  const last = new Map(filled.map((row) => [row.log_id, Number(row.last_one)]));
  const names = new Set([...pruned.keys(), ...last.keys(), ...receipts.keys()]);
  return [...names].sort().map((logId) => ({
    logId,
    last: last.get(logId) ?? -1,
    receiptsTo: receipts.get(logId) ?? 0,
    pruned: pruned.get(logId) ?? 0,
  }));
}
