import type { DataSource } from 'typeorm';
import { isSigned, parseCheckpoint } from './checkpoint';
import { type AuditEntry, type EntryRow, entryColumns, entryOf } from './entry';
import type { Witnessed } from './heads';
import { GrowingTree, hashLeaf, rootOf } from './merkle';
import { originOf } from './origin';
import { hashesOf, TILE_HEIGHT, TILE_LEAVES } from './tiles';

export type Problem = 'ALTERED' | 'MISSING' | 'REORDERED' | 'CHECKPOINT' | 'CONTRADICTED';

/** What is wrong, and where: the first entry of a log that it can be told of. */
export interface Finding {
  readonly problem: Problem;
  readonly log: string;
  readonly sequence: number;
  readonly entry: string | undefined;
  readonly message: string;
}

export interface LogReport {
  readonly log: string;
  /** Entries that it has, pruned ones included. */
  readonly size: number;
  readonly pruned: number;
  /** The root of all of them, in base64. */
  readonly root: string;
  /** Entries up to here are in an anchor that was given; null where none is. */
  readonly anchoredTo: number | null;
}

export interface Verification {
  readonly sound: boolean;
  readonly entries: number;
  readonly checkpoints: number;
  readonly logs: readonly LogReport[];
  readonly findings: readonly Finding[];
}

export interface VerificationOptions {
  readonly publicKey: Buffer;
  /** Checkpoints that others saw: the keys' store's, and anchors'. */
  readonly witnessed: readonly Witnessed[];
  readonly anchored: readonly Witnessed[];
  readonly onProgress?: (entries: number) => void;
}

const PAGE = 1_000;
/** Signatures that are checked at once in the thread pool. */
const CONCURRENT = 256;

interface Pruning {
  readonly log: string;
  readonly entries: number;
}

/**
 * Recomputes the ledger from the database: each entry's hash, each log's tree, each checkpoint and its signature, and
 * whether all that others saw of it is still there.
 */
export async function verifyLedger(
  sources: readonly DataSource[],
  { publicKey, witnessed, anchored, onProgress }: VerificationOptions,
): Promise<Verification> {
  const findings: Finding[] = [];
  const reports: LogReport[] = [];
  const prunings: Pruning[] = [];
  const expected = new Map<string, Witnessed[]>();
  const expect = (seen: Witnessed) => expected.set(seen.logId, [...(expected.get(seen.logId) ?? []), seen]);
  for (const seen of [...witnessed, ...anchored]) expect(seen);
  for (const source of sources) for (const seen of await statedByLogs(source)) expect(seen);

  let entries = 0;
  let checkpoints = 0;
  for (const source of sources) {
    for (const { logId, pruned } of await logsIn(source)) {
      const log = new LogVerification(source, logId, publicKey, expected.get(logId) ?? []);
      expected.delete(logId);
      await log.run(pruned, (count) => onProgress?.(entries + count));
      entries += log.read;
      checkpoints += log.checkpoints;
      findings.push(...log.findings);
      prunings.push(...log.prunings);
      const reach = anchored.filter((seen) => seen.logId === logId && seen.size <= log.size).map(({ size }) => size);
      reports.push({
        log: logId,
        size: log.size,
        pruned,
        root: log.root.toString('base64'),
        anchoredTo: reach.length > 0 ? Math.max(...reach) : null,
      });
    }
  }
  for (const [logId, [seen]] of expected) {
    if (!seen || seen.size === 0) continue;
    const message = `the whole log is missing: ${seen.by} saw ${seen.size} entries of it`;
    findings.push({ problem: 'MISSING', log: logId, sequence: 0, entry: undefined, message });
  }
  for (const { log, pruned } of reports) {
    if (pruned === 0 || prunings.some((pruning) => pruning.log === log && pruning.entries >= pruned)) continue;
    const message = `entries 0 to ${pruned - 1} are missing: no entry says that they were pruned`;
    findings.push({ problem: 'MISSING', log, sequence: 0, entry: undefined, message });
  }
  return { sound: findings.length === 0, entries, checkpoints, logs: reports, findings };
}

/** What the first entry of each log says of the logs before it. */
async function statedByLogs(source: DataSource): Promise<Witnessed[]> {
  const rows = await source.query<Array<{ log_id: string; body: Buffer }>>(
    'SELECT log_id, body FROM audit_entry WHERE sequence = 0',
  );
  return rows.flatMap(({ log_id: by, body }) => {
    const { before } = attempt(() => entryOf(body)) ?? {};
    return (before ?? []).map(({ log, size, root }) => ({
      logId: log,
      size,
      root: Buffer.from(root, 'base64'),
      by: `log ${by}`,
    }));
  });
}

/** Every log that has entries, or that is said to have had some. */
async function logsIn(source: DataSource): Promise<Array<{ logId: string; pruned: number }>> {
  const logs = await source.query<Array<{ log_id: string; pruned: number }>>('SELECT log_id, pruned FROM audit_log');
  const filled = await source.query<Array<{ log_id: string }>>('SELECT DISTINCT log_id FROM audit_entry');
  const pruned = new Map(logs.map((row) => [row.log_id, Number(row.pruned)]));
  const names = new Set([...logs, ...filled].map((row) => row.log_id));
  return [...names].sort().map((logId) => ({ logId, pruned: pruned.get(logId) ?? 0 }));
}

/** One log, recomputed from its first entry to its last. */
class LogVerification {
  readonly findings: Finding[] = [];
  readonly prunings: Pruning[] = [];
  read = 0;
  checkpoints = 0;
  readonly #tree = new GrowingTree();
  readonly #expected: Witnessed[];
  #signatures: Array<Promise<void>> = [];
  /** Entries up to here are under a checkpoint that fits. */
  #covered = 0;
  #broken = false;
  #contradicted = false;
  /** The first of what others saw that has not been compared yet. */
  #next = 0;

  constructor(
    private readonly source: DataSource,
    private readonly logId: string,
    private readonly publicKey: Buffer,
    expected: readonly Witnessed[],
  ) {
    this.#expected = expected.filter(({ size }) => size > 0).sort((a, b) => a.size - b.size);
  }

  get size(): number {
    return this.#tree.size;
  }

  get root(): Buffer {
    return this.#tree.root();
  }

  async run(pruned: number, onProgress: (entries: number) => void): Promise<void> {
    if (pruned > 0) await this.#startAfter(pruned);
    this.#covered = this.size;
    while (!this.#broken) {
      const rows = await this.source.query<EntryRow[]>(
        `SELECT ${entryColumns} FROM audit_entry WHERE log_id = ? AND sequence >= ? ORDER BY sequence LIMIT ${PAGE}`,
        [this.logId, this.size],
      );
      for (const row of rows) {
        if (this.#broken) break;
        this.#entry(row);
        if (this.#signatures.length >= CONCURRENT) await this.#settle();
      }
      onProgress(this.read);
      if (rows.length < PAGE) break;
    }
    await this.#settle();
    if (!this.#broken) this.#atEnd();
  }

  /** The pruned entries' hashes stand for them; the last tile of a log that has ended may not be full. */
  async #startAfter(pruned: number): Promise<void> {
    const tiles = await this.source.query<Array<{ tile_index: number; hashes: Buffer }>>(
      'SELECT tile_index, hashes FROM audit_tile WHERE log_id = ? AND level = 0 AND tile_index < ? ORDER BY tile_index',
      [this.logId, Math.ceil(pruned / TILE_LEAVES)],
    );
    for (const [index, { tile_index: at, hashes }] of tiles.entries()) {
      if (Number(at) !== index) break;
      const leaves = hashesOf(hashes);
      if (leaves.length === TILE_LEAVES) this.#tree.appendSubtree(rootOf(leaves), TILE_HEIGHT);
      else for (const leaf of leaves) this.#tree.append(leaf);
      this.#compare();
    }
    if (this.size === pruned) return;
    this.#find('MISSING', this.size, undefined, 'the hashes of pruned entries are missing');
    this.#broken = true;
  }

  #entry(row: EntryRow): void {
    const sequence = this.size;
    const at = Number(row.sequence);
    if (at !== sequence) {
      const gap = at - sequence === 1 ? `entry ${sequence} is missing` : `entries ${sequence} to ${at - 1} are missing`;
      this.#find('MISSING', sequence, undefined, gap);
      this.#broken = true;
      return;
    }
    const stored = Buffer.from(row.leaf_hash, 'base64url');
    this.#content(row, sequence, stored);
    // With the stored hash the tree goes on, so that what is wrong further on is found too.
    this.#tree.append(stored);
    this.read++;
    if (row.checkpoint !== null) this.#checkpoint(row.checkpoint, row.entry_id);
    this.#compare();
  }

  #content(row: EntryRow, sequence: number, stored: Buffer): void {
    const said = attempt(() => entryOf(row.body));
    const moved = said && (said.log !== this.logId || said.sequence !== sequence);
    const whole = hashLeaf(row.body).equals(stored);
    if (said && moved && (whole || said.id !== row.entry_id)) {
      this.#find('REORDERED', sequence, row.entry_id, `here stands entry ${said.sequence} of log ${said.log}`);
    } else if (!said || moved || !whole) {
      this.#find('ALTERED', sequence, row.entry_id, 'its content is not what was hashed when it was written');
    } else if (said.id !== row.entry_id || said.client !== row.about_client) {
      this.#find('ALTERED', sequence, row.entry_id, 'the columns beside it say something else than its content');
    } else {
      this.#note(said);
    }
  }

  #note({ kind, details }: AuditEntry): void {
    if (kind !== 'LOG_PRUNED' || !details) return;
    this.prunings.push({ log: String(details.log), entries: Number(details.entries) });
  }

  #checkpoint(note: string, entry: string): void {
    this.checkpoints++;
    const sequence = this.size - 1;
    const stated = attempt(() => parseCheckpoint(note));
    if (!stated || stated.origin !== originOf(this.logId) || stated.size !== this.size) {
      this.#find('CHECKPOINT', sequence, entry, 'the checkpoint beside it is not that of the tree that ends here');
    } else if (!stated.root.equals(this.root)) {
      const range =
        this.#covered === sequence ? `entry ${sequence}` : `one of the entries ${this.#covered} to ${sequence}`;
      const message = `${range}, or the checkpoint, is not what it was when it was signed`;
      this.#contradict(this.#covered, entry, message);
    } else {
      this.#signatures.push(
        isSigned(note, this.publicKey).then((signed) => {
          if (!signed) this.#find('CHECKPOINT', sequence, entry, 'the checkpoint beside it is not signed by the key');
        }),
      );
    }
    this.#covered = this.size;
  }

  #compare(): void {
    for (let seen = this.#expected[this.#next]; seen && seen.size <= this.size; seen = this.#expected[++this.#next]) {
      // What was seen in the midst of a pruned tile can no longer be recomputed; its end can.
      if (seen.size < this.size || seen.root.equals(this.root)) continue;
      this.#contradict(seen.size - 1, undefined, `${seen.by} saw other entries among the first ${seen.size}`);
    }
  }

  /** One wrong entry contradicts every checkpoint after it: the first one tells. */
  #contradict(sequence: number, entry: string | undefined, message: string): void {
    if (this.#contradicted) return;
    this.#contradicted = true;
    this.#find('CONTRADICTED', sequence, entry, message);
  }

  #atEnd(): void {
    if (this.#covered < this.size) {
      const message = `the log is cut off: no checkpoint covers the entries from ${this.#covered} on`;
      this.#find('MISSING', this.size, undefined, message);
    }
    const beyond = this.#expected.findLast(({ size }) => size > this.size);
    if (!beyond) return;
    const missing =
      beyond.size - this.size === 1 ? `entry ${this.size} is` : `entries ${this.size} to ${beyond.size - 1} are`;
    this.#find('MISSING', this.size, undefined, `${missing} missing: ${beyond.by} saw ${beyond.size}`);
  }

  async #settle(): Promise<void> {
    const pending = this.#signatures;
    this.#signatures = [];
    await Promise.all(pending);
  }

  #find(problem: Problem, sequence: number, entry: string | undefined, message: string): void {
    // One wrong entry makes everything after it wrong: the first few tell.
    if (this.findings.length < 20) this.findings.push({ problem, log: this.logId, sequence, entry, message });
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
