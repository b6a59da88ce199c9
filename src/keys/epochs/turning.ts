import type { DataSource } from 'typeorm';
import { insertStatement } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { emptyWriteAheadLog } from '../../storage/write-ahead-log';
import { EpochUnfinishedError } from '../errors';
import type { RootKeys } from '../roots/root-keys';
import { insertedOnce, settled } from '../settled';
import { ClientTurner } from './client-turner';
import { EPOCH_COLUMNS, epochKeyOf, epochValues, wrappedEpochKey } from './epoch-keys';
import { EPOCH_SELECT, type EpochRow, stateOf, type TurnHooks, type TurnResult, type TurnStep } from './epoch-state';
import type { TurnLease } from './turn-lease';
import { verifyKeys } from './verification';

export interface TurningParts {
  readonly source: DataSource;
  readonly roots: RootKeys;
  readonly now: () => number;
  /** Drops an epoch's key from this process's memory. */
  readonly forget: (number: number) => void;
}

/**
 * The end of one epoch, step by step. Each step is durable before the next one begins, and does nothing where it was
 * done already, so that any process can go on after a crash:
 *
 * 1. a new root and a new epoch key are made, and the next epoch begins
 * 2. everything that lives is hung under it
 * 3. it is verified that all of that opens from the new root on, and a backup is made
 * 4. nothing needs the old root any more: DESTROYING
 * 5. the old root is destroyed: ENDED; and that is recorded
 *
 * What a process had created or destroyed before step 1 is found in step 2. What comes after step 1 belongs to the next
 * epoch.
 */
export class Turning {
  readonly #parts: TurningParts;
  readonly #lease: TurnLease;
  readonly #hooks: TurnHooks;
  readonly #number: number;
  readonly #began = performance.now();
  #opened = 0;
  #total = 0;

  /** @param number the epoch that ends */
  constructor(parts: TurningParts, lease: TurnLease, number: number, hooks: TurnHooks) {
    this.#parts = parts;
    this.#lease = lease;
    this.#number = number;
    this.#hooks = hooks;
  }

  /** @throws EpochUnfinishedError where something still needs what would be destroyed; DamagedKeysError */
  async run(): Promise<TurnResult> {
    let row = await this.#row();
    if (row.state === 'CURRENT') await this.#begin();
    row = await this.#row();
    if (row.state === 'TURNING') await this.#turn();
    row = await this.#row();
    if (row.state === 'DESTROYING') await this.#destroy(row.root_id);
    row = await this.#row();
    const result = this.#resultOf(row);
    if (row.record === null) await this.#record(row, result);
    this.#step('recorded');
    return result;
  }

  async #begin(): Promise<void> {
    const { source, roots, now } = this.#parts;
    const next = this.#number + 1;
    const rootId = await roots.create();
    const [known] = await committed(source, () =>
      source.query<unknown[]>('SELECT number FROM key_epoch WHERE root_id = ?', [rootId]),
    );
    // The end of the epoch would destroy what wraps the next one.
    if (known)
      throw new Error(`The place of the roots made ${rootId}, which an earlier epoch's root is called already.`);
    this.#step('root');
    const values = epochValues(next, rootId, await wrappedEpochKey(roots, next, rootId), now());
    await settled(source, async (manager, mayHaveArrived) => {
      await this.#lease.fence(manager);
      const sql = insertStatement('key_epoch', EPOCH_COLUMNS, 1);
      await insertedOnce(mayHaveArrived, () => manager.query(sql, values));
      await manager.query("UPDATE key_epoch SET state = 'TURNING' WHERE number = ? AND state = 'CURRENT'", [
        this.#number,
      ]);
    });
    this.#step('begun');
  }

  async #turn(): Promise<void> {
    const { source, roots } = this.#parts;
    const { leaveDamaged = false, backup } = this.#hooks;
    const next = this.#number + 1;
    const [oldKey, newKey] = [await epochKeyOf(source, roots, this.#number), await epochKeyOf(source, roots, next)];
    const onStep = (step: TurnStep) => this.#step(step);
    const lease = this.#lease;
    await new ClientTurner({ source, lease, number: next, oldKey, newKey, leaveDamaged, onStep }).run();
    for (const key of [oldKey, newKey]) key.fill(0);
    this.#total = await this.#countSubjects();
    const onProgress = (done: number) => {
      this.#opened = done;
      this.#step('verifying');
    };
    await verifyKeys(source, roots, next, { leaveDamaged, onProgress });
    this.#step('verified');
    const made = await backup?.(next);
    if (made !== undefined) await this.#set('backup = ?', [made], next);
    this.#step('backup');
    await this.#set("state = 'DESTROYING'");
    this.#step('destroying');
  }

  async #destroy(rootId: string): Promise<void> {
    const { source, roots, forget } = this.#parts;
    if (!(await emptyWriteAheadLog(source))) {
      const why =
        "a reader keeps the write-ahead log of the keys' store, which holds destroyed keys; it is tried again";
      throw new EpochUnfinishedError(this.#number, why);
    }
    await this.#lease.renew();
    const endedAt = await roots.destroy(rootId);
    this.#step('destroyed');
    forget(this.#number);
    await this.#set("state = 'ENDED', ended_at = ?", [endedAt]);
    this.#step('ended');
  }

  async #record(row: EpochRow, result: TurnResult): Promise<void> {
    const record = await this.#hooks.record?.(stateOf(row), result);
    if (record !== undefined) await this.#set('record = ?', [Buffer.from(record, 'utf8')]);
  }

  async #set(values: string, parameters: readonly unknown[] = [], number = this.#number): Promise<void> {
    await settled(this.#parts.source, async (manager) => {
      await this.#lease.fence(manager);
      await manager.query(`UPDATE key_epoch SET ${values} WHERE number = ?`, [...parameters, number]);
    });
  }

  async #row(): Promise<EpochRow> {
    const { source } = this.#parts;
    const sql = `${EPOCH_SELECT} WHERE number = ?`;
    const [row] = await committed(source, () => source.query<EpochRow[]>(sql, [this.#number]));
    if (!row) throw new Error(`The keys' store has no epoch ${this.#number}.`);
    return row;
  }

  #resultOf(row: EpochRow): TurnResult {
    return {
      epoch: this.#number,
      clients: Number(row.turned_clients),
      buckets: Number(row.turned_buckets),
      rewrapped: Number(row.turned_subjects),
      destroyed: Number(row.turned_destroyed),
      milliseconds: Math.round(performance.now() - this.#began),
    };
  }

  #step(step: TurnStep): void {
    this.#hooks.progress?.({ step, done: Math.min(this.#opened, this.#total), total: this.#total });
  }

  async #countSubjects(): Promise<number> {
    const sql = 'SELECT SUM(members) AS n FROM bucket_key';
    const [row] = await committed(this.#parts.source, () => this.#parts.source.query<Array<{ n: number | null }>>(sql));
    return Number(row?.n ?? 0);
  }
}
