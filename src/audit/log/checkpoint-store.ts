import type { DataSource } from 'typeorm';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { countColumn, idColumn, textColumn } from '../../storage/columns';
import { dialectOf } from '../../storage/dialect';
import { writeStatement } from '../../storage/write-statement';
import { type Checkpoint, logOf, parseCheckpoint } from './checkpoint';
import { type CheckpointKeys, isSignedBy } from './key-history';

@Entity('audit_head')
export class AuditHeadRow {
  @PrimaryColumn({ name: 'log_id', ...idColumn })
  logId: string;

  @Column({ name: 'tree_size', ...countColumn })
  treeSize: number;

  @Column({ ...textColumn(500) })
  checkpoint: string;

  /** 1 once the log was seen whole after it had ended. */
  @Column({ ...countColumn })
  settled: number;
}

/** A checkpoint that somebody saw: the log must contain it for ever. */
export interface Witnessed extends Pick<Checkpoint, 'size' | 'root'> {
  readonly logId: string;
  /** Who saw it, in a report's words. */
  readonly by: string;
}

const EVERY_MS = 1_000;

/**
 * Keeps the last checkpoint of one log in the keys' store, at most once a second. Somebody who can rewrite the data's
 * database can then still not cut off the end of the log unnoticed.
 */
export class CheckpointStore {
  readonly #keys: DataSource;
  readonly #onFailure: (error: unknown) => void;
  #kept = 0;
  #latest: { logId: string; size: number; checkpoint: string } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(keys: DataSource, onFailure: (error: unknown) => void) {
    this.#keys = keys;
    this.#onFailure = onFailure;
  }

  keep(head: { logId: string; size: number; checkpoint: string }): void {
    this.#latest = head;
    this.#timer ??= setTimeout(() => void this.flush(), this.#kept === 0 ? 0 : EVERY_MS).unref();
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write()).catch(this.#onFailure);
    await this.#writing;
  }

  async #write(): Promise<void> {
    const head = this.#latest;
    if (!head || head.size === this.#kept) return;
    const { logId, size, checkpoint } = head;
    const values = [size, checkpoint, logId];
    if (this.#kept === 0) {
      // An earlier one may have arrived although it seemed to fail.
      const insert = dialectOf(this.#keys).insertIgnore;
      await writeStatement(
        this.#keys,
        `${insert} audit_head (tree_size, checkpoint, log_id, settled) VALUES (?, ?, ?, 0)`,
        values,
      );
    }
    await writeStatement(this.#keys, 'UPDATE audit_head SET tree_size = ?, checkpoint = ? WHERE log_id = ?', values);
    this.#kept = size;
  }
}

/** The checkpoints in the keys' store. Forged ones are left out and listed. */
export async function keptHeads(
  keys: DataSource,
  by: CheckpointKeys,
): Promise<{ heads: Witnessed[]; forged: string[] }> {
  const rows = await keys.query<Array<{ log_id: string; checkpoint: string }>>(
    'SELECT log_id, checkpoint FROM audit_head ORDER BY log_id',
  );
  const heads: Witnessed[] = [];
  const forged: string[] = [];
  for (const { log_id: logId, checkpoint } of rows) {
    const parsed = await signedCheckpoint(checkpoint, by);
    if (parsed && parsed.logId === logId) heads.push({ ...parsed, by: "the keys' store" });
    else forged.push(logId);
  }
  return { heads, forged };
}

/** A note's checkpoint and its log; undefined unless one of the keys signed it. */
export async function signedCheckpoint(
  note: string,
  by: CheckpointKeys,
): Promise<{ logId: string; size: number; root: Buffer } | undefined> {
  try {
    const { origin, size, root } = parseCheckpoint(note);
    const logId = logOf(origin);
    return logId !== undefined && (await isSignedBy(note, by)) ? { logId, size, root } : undefined;
  } catch {
    return undefined;
  }
}
