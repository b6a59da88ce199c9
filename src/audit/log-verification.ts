import type { DataSource } from 'typeorm';
import { attempt } from './attempt';
import { isSigned, parseCheckpoint } from './checkpoint';
import { type AuditEntry, type EntryRow, entryOf } from './entry';
import { standsAt } from './entry-place';
import type { Witnessed } from './heads';
import { GrowingTree, hashLeafText, rootOf } from './merkle';
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

/** What a log says of one that was pruned. */
export interface Pruning {
  readonly log: string;
  readonly entries: number;
}

type Row = Omit<EntryRow, 'log_id'>;

/** A few megabytes: one page is hashed while the database reads the next. */
const PAGE = 2_000;
/** Signatures that are checked at once in the thread pool. */
const CONCURRENT = 256;

/** One log, recomputed from its first entry to its last. */
export class LogVerification {
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
    for await (const rows of this.#pages()) {
      for (const row of rows) {
        if (this.#broken) break;
        this.#entry(row);
        if (this.#signatures.length >= CONCURRENT) await this.#settle();
      }
      onProgress(this.read);
      if (this.#broken) break;
    }
    await this.#settle();
    if (!this.#broken) this.#atEnd();
  }

  async *#pages(): AsyncGenerator<readonly Row[]> {
    let coming: Promise<Row[]> | undefined = this.#broken ? undefined : this.#page(this.size);
    try {
      while (coming) {
        const rows: Row[] = await coming;
        coming = rows.length < PAGE ? undefined : this.#page(Number(rows.at(-1)?.sequence) + 1);
        yield rows;
      }
    } finally {
      await coming?.catch(() => undefined);
    }
  }

  #page(from: number): Promise<Row[]> {
    return this.source.query<Row[]>(
      'SELECT sequence, entry_id, about_client, body, leaf_hash, checkpoint FROM audit_entry ' +
        `WHERE log_id = ? AND sequence >= ? ORDER BY sequence LIMIT ${PAGE}`,
      [this.logId, from],
    );
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
    const place = { log: this.logId, sequence, id: row.entry_id, client: row.about_client };
    if (!whole || !standsAt(row.body, place)) this.#content(row, sequence, whole);
    // With the stored hash the tree goes on, so that what is wrong further on is found too.
    this.#tree.append(Buffer.from(row.leaf_hash, 'base64url'));
    this.read++;
    if (row.checkpoint !== null) this.#checkpoint(row.checkpoint, row.entry_id);
    this.#compare();
  }

  /** Says what is wrong with an entry; nothing is with one that only has more to say than most. */
  #content(row: Row, sequence: number, whole: boolean): void {
    const said = attempt(() => entryOf(row.body));
    const moved = said && (said.log !== this.logId || said.sequence !== sequence);
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
