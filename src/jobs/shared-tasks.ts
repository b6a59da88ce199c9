import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { MINUTE_MS } from '../law/calendar';
import { instantColumn, textColumn } from '../storage/columns';
import { dialectOf } from '../storage/dialect';
import { Remembered } from '../storage/remembered';
import { affectedRows } from '../storage/sql';
import { repeatable } from '../storage/transaction';
import type { Task } from './scheduler';

/** A task that one process of an installation runs at a time, and when it is due next. */
@Entity('background_task')
export class BackgroundTaskRow {
  @PrimaryColumn({ ...textColumn(60) })
  name: string;

  @Column({ name: 'due_at', ...instantColumn })
  dueAt: number;

  /** Until when the process that runs it holds it. */
  @Column({ name: 'held_until', ...instantColumn, nullable: true })
  heldUntil: number | null;

  @Column({ name: 'held_by', ...textColumn(36), nullable: true })
  heldBy: string | null;

  /** When a run last succeeded. */
  @Column({ name: 'done_at', ...instantColumn, nullable: true })
  doneAt: number | null;

  /** Where the last run ended: the next one goes on there, whichever process runs it. */
  @Column({ ...textColumn(300), nullable: true })
  place: string | null;
}

/** One run of a shared task. @returns the place to go on from next time; undefined begins anew */
export type SharedRun = (place: string | undefined, signal: AbortSignal) => Promise<string | undefined>;

interface Row {
  readonly name: string;
  readonly due_at: number;
  readonly done_at: number | null;
  readonly clock: number;
}

/** What the table said, and when. */
interface Board {
  readonly rows: ReadonlyMap<string, Row>;
  readonly at: number;
}

/** A process that has not renewed its hold on a task for this long has died. Milliseconds. */
const HOLD_MS = 2 * MINUTE_MS;
/** Nobody reads the table more often. Milliseconds. */
const READ_EVERY_MS = 10_000;
/** The longest pause between two looks at the table. */
const LOOK_EVERY_MS = MINUTE_MS;
/** Spreads the processes that wait for the same moment. */
const SPREAD_MS = 5_000;

/**
 * Tasks of the whole installation: however many processes it has, each task runs once an interval. Its table is in the
 * home database, whose clock counts, so that no process with a wrong clock runs tasks too often or keeps them from
 * running.
 */
export class SharedTasks {
  readonly #source: DataSource;
  readonly #random: () => number;
  readonly #boards = new Remembered((source: DataSource) => readBoard(source));
  readonly #now: string;
  #board: Board | undefined;
  /** A task has run since the table was read. */
  #isStale = false;

  constructor(source: DataSource, random: () => number = Math.random) {
    this.#source = source;
    this.#random = random;
    this.#now = `${dialectOf(source).now} * 1000`;
  }

  /** @param everyMs milliseconds from the end of one run to the beginning of the next */
  task(name: string, everyMs: number, run: SharedRun): Task {
    return {
      name,
      everyMs,
      pauseMs: () => this.#pauseOf(name),
      lastSuccessAt: () => toNumber(this.#board?.rows.get(name)?.done_at),
      run: async (signal) => {
        if (!(await this.#isDue(name))) return false;
        const holder = randomUUID();
        if (!(await this.#take(name, holder))) return false;
        await this.#carryOut(name, holder, everyMs, () => this.#runFrom(name, run, signal));
        return false;
      },
    };
  }

  async #isDue(name: string): Promise<boolean> {
    const board = await this.#read();
    const row = board.rows.get(name);
    return row === undefined || Number(row.due_at) <= Number(row.clock) + (performance.now() - board.at);
  }

  async #read(): Promise<Board> {
    if (this.#board && !this.#isStale && performance.now() - this.#board.at < READ_EVERY_MS) return this.#board;
    const reading = this.#boards.get(this.#source);
    this.#board = await reading.finally(() => this.#boards.forget(this.#source, reading));
    this.#isStale = false;
    return this.#board;
  }

  /** @returns whether this process runs the task now */
  async #take(name: string, holder: string): Promise<boolean> {
    const { insertIgnore } = dialectOf(this.#source);
    return repeatable(this.#source, async (manager) => {
      if (!this.#board?.rows.has(name)) {
        await manager.query(`${insertIgnore} background_task (name, due_at) VALUES (?, 0)`, [name]);
      }
      const taken = await affectedRows(
        manager,
        `UPDATE background_task SET held_by = ?, held_until = ${this.#now} + ${HOLD_MS}
         WHERE name = ? AND due_at <= ${this.#now} AND (held_until IS NULL OR held_until < ${this.#now})`,
        [holder, name],
      );
      return taken > 0;
    });
  }

  async #runFrom(name: string, run: SharedRun, signal: AbortSignal): Promise<string | undefined> {
    const [row] = await this.#source.query<Array<{ place: string | null }>>(
      'SELECT place FROM background_task WHERE name = ?',
      [name],
    );
    return run(row?.place ?? undefined, signal);
  }

  async #carryOut(name: string, holder: string, everyMs: number, run: () => Promise<string | undefined>) {
    const renewal = setInterval(() => {
      // The next renewal comes before the hold ends.
      this.#set(name, holder, `held_until = ${this.#now} + ${HOLD_MS}`).catch(() => undefined);
    }, HOLD_MS / 4).unref();
    try {
      const place = await run();
      const done = `held_until = NULL, due_at = ${this.#now} + ${everyMs}, done_at = ${this.#now}, place = ?`;
      await this.#set(name, holder, done, [place ?? null]);
    } catch (error) {
      const again = `held_until = NULL, due_at = ${this.#now} + ${Math.min(everyMs, LOOK_EVERY_MS)}`;
      await this.#set(name, holder, again).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(renewal);
      this.#isStale = true;
    }
  }

  #set(name: string, holder: string, values: string, parameters: unknown[] = []): Promise<number> {
    return repeatable(this.#source, (manager) =>
      affectedRows(manager, `UPDATE background_task SET ${values} WHERE name = ? AND held_by = ?`, [
        ...parameters,
        name,
        holder,
      ]),
    );
  }

  #pauseOf(name: string): number {
    const row = this.#board?.rows.get(name);
    const left = row ? Number(row.due_at) - Number(row.clock) - (performance.now() - (this.#board?.at ?? 0)) : 0;
    return Math.min(LOOK_EVERY_MS, Math.max(READ_EVERY_MS, left)) + SPREAD_MS * this.#random();
  }
}

async function readBoard(source: DataSource): Promise<Board> {
  const rows = await source.query<Row[]>(
    `SELECT name, due_at, done_at, ${dialectOf(source).now} * 1000 AS clock FROM background_task`,
  );
  return { rows: new Map(rows.map((row) => [row.name, row])), at: performance.now() };
}

const toNumber = (value: number | null | undefined) =>
  value === null || value === undefined ? undefined : Number(value);
