import type { DataSource } from 'typeorm';
import { insertStatement } from '../../storage/sql';
import { committed } from '../../storage/transaction';
import { emptyWriteAheadLog } from '../../storage/write-ahead-log';
import { EpochBusyError, EpochUnfinishedError } from '../errors';
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
 * 1. a new root is made and noted, then a new epoch key, and the next epoch begins
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

  /**
   * @throws EpochBusyError where an earlier epoch has not ended; EpochUnfinishedError where something still needs what
   *   would be destroyed; DamagedKeysError
   */
  async run(): Promise<TurnResult> {
    let row = await this.#row();
    if (row.state === 'CURRENT') await this.#begin(row);
    row = await this.#row();
    if (row.state === 'TURNING') await this.#turn();
    row = await this.#row();
    if (row.state === 'DESTROYING') await this.#destroy(row);
    row = await this.#row();
    const result = this.#resultOf(row);
    if (row.record === null) await this.#record(row, result);
    this.#step('recorded');
    return result;
  }

  async #begin({ next_root_id: made }: EpochRow): Promise<void> {
    const { source, roots, now } = this.#parts;
    const next = this.#number + 1;
    await this.#requireEnded();
    const rootId = (made === null ? undefined : await this.#adopted(made)) ?? (await this.#newRoot());
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

  /** This process may have found out that nothing was unfinished before another one began the epoch. */
  async #requireEnded(): Promise<void> {
    const { source } = this.#parts;
    const sql = "SELECT number FROM key_epoch WHERE number < ? AND state <> 'ENDED'";
    const [before] = await committed(source, () => source.query<Array<{ number: number }>>(sql, [this.#number]));
    if (before) throw new EpochBusyError(Number(before.number));
  }

  /** A root that was made before its process died; undefined where it is not the one to go on with. */
  async #adopted(rootId: string): Promise<string | undefined> {
    const { roots } = this.#parts;
    if (!(await roots.ids()).includes(rootId)) return undefined;
    if ((await roots.placeOf(rootId)) === roots.places[0]) return rootId;
    // Roots are made elsewhere from now on. First the note goes: whoever has the lease by then might begin with it.
    await this.#set('next_root_id = NULL');
    await roots.destroy(rootId);
    return undefined;
  }

  /** Makes a root and notes it, so that it is not forgotten where this process dies. */
  async #newRoot(): Promise<string> {
    const { source, roots } = this.#parts;
    let vain: string | undefined;
    const note = async (rootId: string) => {
      const [known] = await committed(source, () =>
        source.query<unknown[]>('SELECT number FROM key_epoch WHERE root_id = ?', [rootId]),
      );
      // The end of the epoch would destroy what wraps the next one.
      if (known)
        throw new Error(`The place of the roots made ${rootId}, which an earlier epoch's root is called already.`);
      vain = rootId;
      await settled(source, async (manager) => {
        await this.#lease.fence(manager);
        await manager.query('UPDATE key_epoch SET next_root_id = ? WHERE number = ?', [rootId, this.#number]);
        // It may be committed even where that fails, and then another process may begin with it.
        vain = undefined;
      });
    };
    try {
      return await roots.create(note);
    } catch (error) {
      // `remit doctor` names one that is left.
      if (vain !== undefined) await roots.destroy(vain).catch(() => undefined);
      throw error;
    }
  }

  /** Notes where the old root is, if the next one is elsewhere: it is to be destroyed there, whatever is set then. */
  async #notePlace(): Promise<void> {
    const { roots } = this.#parts;
    const [old, next] = await Promise.all([this.#row(), this.#row(this.#number + 1)]);
    const place = await roots.placeOf(old.root_id);
    await this.#set('root_place = ?', [place === (await roots.placeOf(next.root_id)) ? null : place]);
  }

  /** @throws EpochUnfinishedError where the old root may live on in a place that is not named */
  async #requirePlace({ root_id: rootId, root_place: place }: EpochRow): Promise<void> {
    const { roots } = this.#parts;
    const here = await roots.ids();
    if (here.includes(rootId)) return;
    const next = await this.#row(this.#number + 1);
    if (place === null ? here.includes(next.root_id) : roots.places.includes(place)) return;
    const why =
      place === null
        ? `the root of the next one, ${next.root_id}, is not where REMIT_ROOT_KEY or REMIT_MASTER_KEY_FILE says`
        : `its root ${rootId} was in another place, and may live on there; name that place in REMIT_ROOT_KEY_BEFORE ` +
          'until the epoch has ended (docs/keys.md)';
    throw new EpochUnfinishedError(this.#number, why);
  }

  async #turn(): Promise<void> {
    const { source, roots } = this.#parts;
    const { leaveDamaged = false, backup } = this.#hooks;
    const next = this.#number + 1;
    const [oldKey, newKey] = [await epochKeyOf(source, roots, this.#number), await epochKeyOf(source, roots, next)];
    await this.#notePlace();
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

  async #destroy(row: EpochRow): Promise<void> {
    const { source, roots, forget } = this.#parts;
    await this.#requirePlace(row);
    if (!(await emptyWriteAheadLog(source))) {
      const why =
        "a reader keeps the write-ahead log of the keys' store, which holds destroyed keys; it is tried again";
      throw new EpochUnfinishedError(this.#number, why);
    }
    await this.#lease.renew();
    const endedAt = await roots.destroy(row.root_id, row.root_place ?? undefined);
    this.#step('destroyed');
    forget(this.#number);
    await roots.sweep(() => this.#usedRoots());
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

  async #row(number = this.#number): Promise<EpochRow> {
    const { source } = this.#parts;
    const sql = `${EPOCH_SELECT} WHERE number = ?`;
    const [row] = await committed(source, () => source.query<EpochRow[]>(sql, [number]));
    if (!row) throw new Error(`The keys' store has no epoch ${number}.`);
    return row;
  }

  /** The roots of epochs that have not ended, and those that are noted for the next one. @throws TurnLostError */
  async #usedRoots(): Promise<string[]> {
    const { source } = this.#parts;
    await this.#lease.renew();
    const sql = "SELECT root_id, next_root_id FROM key_epoch WHERE state <> 'ENDED'";
    const rows = await committed(source, () => source.query<Array<Pick<EpochRow, 'root_id' | 'next_root_id'>>>(sql));
    return rows.flatMap(({ root_id, next_root_id }) => (next_root_id === null ? [root_id] : [root_id, next_root_id]));
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
