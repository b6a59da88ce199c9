import { DAY_MS, HOUR_MS } from '../../law/calendar';
import { committed } from '../../storage/transaction';
import { emptyWriteAheadLog } from '../../storage/write-ahead-log';
import { EpochBusyError } from '../errors';
import { endingEpochs } from './ending';
import type { EpochKeys } from './epoch-keys';
import { EPOCH_SELECT, type EpochRow, type EpochState, stateOf, type TurnHooks, type TurnResult } from './epoch-state';
import { haveLosses } from './losses';
import { TurnLease } from './turn-lease';
import { Turning, type TurningParts } from './turning';

/** An epoch in which nothing was destroyed ends after this time all the same. */
const LONGEST_MS = 30 * DAY_MS;

export interface EpochsParts extends Omit<TurningParts, 'forget'> {
  readonly keys: EpochKeys;
  /** How long an epoch lasts, in milliseconds; undefined where epochs do not turn: a deleted key is final at once. */
  readonly everyMs: number | undefined;
}

/** The epochs of a keys' store: when a deletion became final, and what makes it so. */
export class Epochs {
  readonly #parts: EpochsParts;

  constructor(parts: EpochsParts) {
    this.#parts = parts;
  }

  /** How long an epoch lasts, in milliseconds; undefined where epochs do not turn (REMIT_EPOCH). */
  get everyMs(): number | undefined {
    return this.#parts.everyMs;
  }

  /**
   * Ends the current epoch: what was destroyed in it cannot be read any more from anything that was ever written. A
   * turning that was interrupted is finished before.
   * @throws EpochBusyError where another process turns; EpochUnfinishedError; DamagedKeysError
   */
  async turn(hooks: TurnHooks = {}): Promise<TurnResult> {
    await this.resume(hooks);
    return this.#run(await this.#parts.keys.newest(), hooks);
  }

  /**
   * Goes on with a turning that was interrupted.
   * @returns undefined where there is none
   * @throws as {@link turn}
   */
  async resume(hooks: TurnHooks = {}): Promise<TurnResult | undefined> {
    const unfinished = (await this.list()).filter(({ state, record }) =>
      state === 'ENDED' ? record === null && hooks.record !== undefined : state !== 'CURRENT',
    );
    let last: TurnResult | undefined;
    for (const { number } of unfinished) last = await this.#run(number, hooks);
    return last;
  }

  /**
   * Ends the current epoch if it is time: something was destroyed in it, or it lasts for a month.
   * @returns undefined where it is not
   */
  async turnWhenDue(hooks: TurnHooks = {}): Promise<TurnResult | undefined> {
    const { everyMs } = this.#parts;
    if (everyMs === undefined) return undefined;
    const resumed = await this.resume(hooks);
    const current = (await this.list()).at(-1);
    const age = current ? this.#parts.now() - current.begunAt : 0;
    const isDue = current && age >= everyMs && (age >= LONGEST_MS || (await this.#hasDestroyed(current)));
    return isDue ? this.turn(hooks) : resumed;
  }

  /** All epochs, the first one first. */
  async list(): Promise<EpochState[]> {
    const { source } = this.#parts;
    const rows = await committed(source, () => source.query<EpochRow[]>(`${EPOCH_SELECT} ORDER BY number`));
    return rows.map(stateOf);
  }

  /**
   * Whether what was destroyed in an epoch can be read by nobody any more. Where epochs do not turn, whether it is gone
   * from the database itself.
   * @param number as the key store's `destroy…` returned it
   */
  async isFinal(number: number): Promise<boolean> {
    const { source, now, everyMs } = this.#parts;
    if (everyMs === undefined) return emptyWriteAheadLog(source, 0);
    const finalAt = (await endingEpochs(source, [number])).get(number)?.finalAt ?? null;
    return finalAt !== null && finalAt <= now();
  }

  async #run(number: number, hooks: TurnHooks): Promise<TurnResult> {
    const { keys, everyMs: _, ...parts } = this.#parts;
    const forget = (ended: number) => keys.forget(ended);
    const done = await TurnLease.holding(parts.source, number, (lease) =>
      new Turning({ ...parts, forget }, lease, number, hooks).run(),
    );
    if (!done) throw new EpochBusyError(number);
    return done.result;
  }

  async #hasDestroyed({ number, begunAt }: EpochState): Promise<boolean> {
    const { source } = this.#parts;
    const find = (sql: string, parameters: unknown[] = []) =>
      committed(source, () => source.query<unknown[]>(sql, parameters));
    // What was destroyed while the epoch before was turning waits for the end of this one.
    const [turning] = await find('SELECT number FROM key_epoch WHERE number = ? AND turned_destroyed > 0', [
      number - 1,
    ]);
    // By the clock of whoever destroyed it.
    const since = begunAt - HOUR_MS;
    const [client] = turning
      ? []
      : await find('SELECT client_id FROM client_key WHERE destroyed_at > ? OR marked > 0 LIMIT 1', [since]);
    return (turning ?? client) !== undefined || haveLosses(source);
  }
}
