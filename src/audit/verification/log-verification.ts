import type { DataSource } from 'typeorm';
import { checkpointIn, originOf } from '../log/checkpoint';
import type { Witnessed } from '../log/checkpoint-store';
import { type AuditEntry, type EntryRow, entryIn } from '../log/entry';
import { type CheckpointKeys, isSignedBy } from '../log/key-history';
import { GrowingTree, hashLeafText, rootOf } from '../log/merkle';
import { hashesOf, TILE_HEIGHT, TILE_LEAVES } from '../log/tiles';
import { AnchorTally } from '../witness/anchor-tally';
import { checkReceipt, type Trust } from '../witness/receipts';
import { receiptsUpTo, receiptsWithin, type StoredReceipt } from '../witness/stored-receipts';
import { standsAt } from './entry-place';
import { type Gap, gapIn } from './gaps';

export type Problem = 'ALTERED' | 'MISSING' | 'REORDERED' | 'CHECKPOINT' | 'CONTRADICTED' | 'RECEIPT';

/** A fault, with the first entry of the log that it shows at. */
export interface Finding {
  readonly problem: Problem;
  readonly log: string;
  readonly sequence: number;
  readonly entry: string | undefined;
  readonly message: string;
  /** Set where only the end of the log is missing, which an operator may acknowledge. */
  readonly gap?: Gap;
}

/** An entry's statement that a log was pruned. */
export interface Pruning {
  readonly log: string;
  readonly entries: number;
}

type Row = Omit<EntryRow, 'log_id'>;

interface Page {
  readonly from: number;
  readonly rows: readonly Row[];
  readonly receipts: readonly StoredReceipt[];
}

/** One or two megabytes. */
const PAGE = 1_000;
/** Pages read ahead: without that, most of the time would go into waiting for the disk. */
const AHEAD = 4;
/** Signatures checked at once in the thread pool. */
const CONCURRENT = 256;

/** A log, and what it is compared with. */
export interface LogToVerify {
  readonly source: DataSource;
  readonly logId: string;
  /** The number of its last entry; -1 where there is none. */
  readonly last: number;
  /** The largest tree size with a receipt, looked up before that; 0 where there is none. */
  readonly receiptsTo: number;
  readonly publicKey: CheckpointKeys;
  /** Checkpoints that others saw. */
  readonly expected: readonly Witnessed[];
  readonly trust: Trust;
}

/** Verifies one log by recomputing it from its first entry to its last. */
export class LogVerification {
  readonly findings: Finding[] = [];
  readonly prunings: Pruning[] = [];
  readonly acknowledged: Gap[] = [];
  readonly anchors = new AnchorTally();
  read = 0;
  checkpoints = 0;
  readonly #tree = new GrowingTree();
  readonly #expected: Witnessed[];
  #signatures: Array<Promise<void>> = [];
  /** Entries up to here are covered by a matching checkpoint. */
  #covered = 0;
  #broken = false;
  #contradicted = false;
  /** Index of the next expected checkpoint to compare. */
  #next = 0;

  constructor(private readonly log: LogToVerify) {
    this.#expected = log.expected.filter(({ size }) => size > 0).sort((a, b) => a.size - b.size);
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
    for await (const { rows, receipts } of this.#pages()) {
      const waiting = [...receipts];
      for (const row of rows) {
        this.#entry(row);
        if (this.#broken) break;
        while (waiting[0]?.size === this.size) this.#receipt(waiting.shift() as StoredReceipt, row);
        if (this.#signatures.length >= CONCURRENT) await this.#settle();
      }
      onProgress(this.read);
      if (this.#broken) break;
    }
    await this.#settle();
    if (!this.#broken) this.#atEnd(this.log.receiptsTo);
  }

  /** The log in pages, several of them read ahead. */
  async *#pages(): AsyncGenerator<Page> {
    if (this.#broken) return;
    const { last: end } = this.log;
    const coming: Array<Promise<Page>> = [];
    let from = this.size;
    try {
      for (;;) {
        for (; coming.length < AHEAD && from <= end; from += PAGE) coming.push(this.#page(from));
        const page = await coming.shift();
        if (!page) return;
        // Where a whole page is missing, the next entry shows how far the gap goes.
        yield page.rows.length > 0 ? page : { ...page, rows: await this.#rows(page.from, end, 1) };
      }
    } finally {
      await Promise.allSettled(coming);
    }
  }

  async #page(from: number): Promise<Page> {
    const [rows, receipts] = await Promise.all([
      this.#rows(from, from + PAGE - 1, PAGE),
      this.log.receiptsTo > from ? receiptsWithin(this.log.source, this.log.logId, from, from + PAGE) : [],
    ]);
    return { from, rows, receipts };
  }

  #rows(from: number, to: number, limit: number): Promise<Row[]> {
    return this.log.source.query<Row[]>(
      'SELECT sequence, entry_id, about_client, body, leaf_hash, checkpoint FROM audit_entry ' +
        `WHERE log_id = ? AND sequence >= ? AND sequence <= ? ORDER BY sequence LIMIT ${limit}`,
      [this.log.logId, from, to],
    );
  }

  /** Starts from the hashes of pruned entries. The last tile of a log that has ended may not be full. */
  async #startAfter(pruned: number): Promise<void> {
    const tiles = await this.log.source.query<Array<{ tile_index: number; hashes: Buffer }>>(
      'SELECT tile_index, hashes FROM audit_tile WHERE log_id = ? AND level = 0 AND tile_index < ? ORDER BY tile_index',
      [this.log.logId, Math.ceil(pruned / TILE_LEAVES)],
    );
    for (const [index, { tile_index: at, hashes }] of tiles.entries()) {
      if (Number(at) !== index) break;
      const leaves = hashesOf(hashes);
      if (leaves.length === TILE_LEAVES) this.#tree.appendSubtree(rootOf(leaves), TILE_HEIGHT);
      else for (const leaf of leaves) this.#tree.append(leaf);
      this.#compare();
    }
    for (const { kind, receipts, size } of await receiptsUpTo(this.log.source, this.log.logId, pruned)) {
      const how = 'not checked: the checkpoints that they are of were pruned';
      this.anchors.add({ by: `receipts of a ${kind}`, how, verified: false, at: undefined }, size, receipts);
    }
    if (this.size === pruned) return;
    this.#find('MISSING', this.size, undefined, 'the hashes of pruned entries are missing');
    this.#broken = true;
  }

  #entry(row: Row): void {
    const sequence = this.size;
    const at = Number(row.sequence);
    if (at !== sequence) {
      const gap = at - sequence === 1 ? `entry ${sequence} is missing` : `entries ${sequence} to ${at - 1} are missing`;
      this.#find('MISSING', sequence, undefined, gap);
      this.#broken = true;
      return;
    }
    const whole = hashLeafText(row.body) === row.leaf_hash;
    const place = { log: this.log.logId, sequence, id: row.entry_id, client: row.about_client };
    if (!whole || !standsAt(row.body, place)) this.#content(row, sequence, whole);
    // Goes on with the stored hash, so that later faults are found too.
    this.#tree.append(Buffer.from(row.leaf_hash, 'base64url'));
    this.read++;
    if (row.checkpoint !== null) this.#checkpoint(row.checkpoint, row);
    this.#compare();
  }

  /** Reports an entry's fault. An entry that is only longer than usual has none. */
  #content(row: Row, sequence: number, whole: boolean): void {
    const said = entryIn(row.body);
    const moved = said && (said.log !== this.log.logId || said.sequence !== sequence);
    if (said && moved && (whole || said.id !== row.entry_id)) {
      this.#find('REORDERED', sequence, row.entry_id, `entry ${said.sequence} of log ${said.log} stands here`);
    } else if (!said || moved || !whole) {
      this.#find('ALTERED', sequence, row.entry_id, 'its content is not what was hashed when it was written');
    } else if (said.id !== row.entry_id || said.client !== row.about_client) {
      this.#find('ALTERED', sequence, row.entry_id, 'its columns differ from its content');
    } else {
      this.#note(said);
    }
  }

  #note(said: AuditEntry): void {
    const { kind, details } = said;
    const gap = gapIn(said);
    if (gap) this.acknowledged.push(gap);
    if (kind !== 'LOG_PRUNED' || !details) return;
    this.prunings.push({ log: String(details.log), entries: Number(details.entries) });
  }

  #checkpoint(note: string, { entry_id: entry, body }: Row): void {
    this.checkpoints++;
    const sequence = this.size - 1;
    const stated = checkpointIn(note);
    if (!stated || stated.origin !== originOf(this.log.logId) || stated.size !== this.size) {
      this.#find('CHECKPOINT', sequence, entry, 'its checkpoint is not that of the tree that ends here');
    } else if (!stated.root.equals(this.root)) {
      const range =
        this.#covered === sequence ? `entry ${sequence}` : `one of the entries ${this.#covered} to ${sequence}`;
      const message = `${range}, or the checkpoint, is not what it was when it was signed`;
      this.#contradict(this.#covered, entry, message);
    } else {
      this.#signatures.push(
        isSignedBy(note, this.log.publicKey, timeIn(body)).then((signed) => {
          if (!signed) this.#find('CHECKPOINT', sequence, entry, 'its checkpoint is not signed by the key of its time');
        }),
      );
    }
    this.#covered = this.size;
  }

  #receipt({ kind, size, content }: StoredReceipt, { checkpoint, entry_id: entry }: Row): void {
    const checked = checkReceipt({ kind, content }, checkpoint ?? '', this.log.trust).then(
      (vouched) => this.anchors.add(vouched, size),
      (error: Error) => {
        const message = `the receipt of a ${kind} for the first ${size} entries does not hold: ${error.message}`;
        this.#find('RECEIPT', size - 1, entry, message);
      },
    );
    this.#signatures.push(checked);
  }

  #compare(): void {
    for (let seen = this.#expected[this.#next]; seen && seen.size <= this.size; seen = this.#expected[++this.#next]) {
      // A checkpoint in the middle of a pruned tile can no longer be recomputed; one at its end can.
      if (seen.size < this.size || seen.root.equals(this.root)) continue;
      this.#contradict(seen.size - 1, undefined, `${seen.by} saw other entries among the first ${seen.size}`);
    }
  }

  /** One wrong entry contradicts every later checkpoint, so only the first is reported. */
  #contradict(sequence: number, entry: string | undefined, message: string): void {
    if (this.#contradicted) return;
    this.#contradicted = true;
    this.#find('CONTRADICTED', sequence, entry, message);
  }

  #atEnd(anchored: number): void {
    if (this.#covered < this.size) {
      const message = `the log is cut off: no checkpoint covers the entries from ${this.#covered} on`;
      this.#find('MISSING', this.size, undefined, message);
    }
    const receipt = { size: anchored, by: 'the giver of a receipt' };
    const beyond = [receipt, ...this.#expected].findLast(({ size }) => size > this.size);
    if (!beyond) return;
    const missing =
      beyond.size - this.size === 1 ? `entry ${this.size} is` : `entries ${this.size} to ${beyond.size - 1} are`;
    const gap = { log: this.log.logId, size: this.size, root: this.root.toString('base64'), seen: beyond.size };
    this.#find('MISSING', this.size, undefined, `${missing} missing: ${beyond.by} saw ${beyond.size}`, gap);
  }

  async #settle(): Promise<void> {
    const pending = this.#signatures;
    this.#signatures = [];
    await Promise.all(pending);
  }

  #find(problem: Problem, sequence: number, entry: string | undefined, message: string, gap?: Gap): void {
    // One wrong entry makes everything after it wrong, so only the first few are reported.
    if (this.findings.length >= 20) return;
    this.findings.push({ problem, log: this.log.logId, sequence, entry, message, ...(gap ? { gap } : {}) });
  }
}

/** When an entry says it was written; undefined where it does not say. */
function timeIn(body: Buffer): number | undefined {
  const at = Date.parse(entryIn(body)?.time ?? '');
  return Number.isNaN(at) ? undefined : at;
}
