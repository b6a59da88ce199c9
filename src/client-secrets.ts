import type { DataSource } from 'typeorm';
import { type ChangeRecorder, changing } from './identity/change-recorder';
import { ClientKeyError } from './keys/errors';
import type { KeyStores, KeysPlace } from './keys/key-stores';
import { type SecretName, type SecretRecord, settledAmong } from './keys/rotation/client-secrets';
import { ROTATION_PACE, type RotationPace } from './keys/rotation/rotating-keys';
import { DAY_MS } from './law/calendar';
import type { EntityClass } from './storage/entity-class';
import type { Regions } from './storage/regions';
import type { DoubledRow } from './subjects/index-rows';
import { abandonMove, finishMove, moveSome, prepareMove, secretOfRows } from './subjects/moved-identifiers';

/** What the replacement of clients' secrets needs. */
export interface ClientSecretServices {
  readonly regions: Regions;
  readonly keyStores: KeyStores;
  readonly entities: readonly EntityClass[];
  readonly recorder: ChangeRecorder;
  readonly pace?: RotationPace | undefined;
  /** Called after each committed step, with the client. */
  readonly onStep?: (step: SecretStep, client: string) => void;
}

export type SecretStep = 'prepared' | 'published' | 'moving' | 'moved' | 'destroyed' | 'finished';

/**
 * A new secret is announced for longer than other keys: publishing it takes statements in several databases, and must
 * be over long before its first use.
 */
const SECRET_PACE: RotationPace = { ...ROTATION_PACE, leadMs: 10 * 60_000 };

/** What is replaced by schedule is announced this long before, since pseudonyms change with it. Milliseconds. */
const ANNOUNCED_MS = 14 * DAY_MS;

/**
 * Replaces clients' secrets, without a pause. A new one is published beside the one before; after a while every process
 * makes new things with it; a while after that the blind indexes of all rows are made anew, and the old one is
 * destroyed. People are found by either all the while. Any process may begin, and any other one end it.
 */
export class ClientSecretRotation {
  readonly #services: ClientSecretServices;
  readonly #pace: RotationPace;

  constructor(services: ClientSecretServices) {
    this.#services = services;
    this.#pace = services.pace ?? SECRET_PACE;
  }

  /**
   * Publishes a client's next secret.
   * @param from when it is used first, in milliseconds since 1970; by default as soon as every process knows it
   * @throws {SecretNotReplacedError} while the last replacement is under way
   * @throws {ClientKeyError} for a client without keys
   */
  async begin(client: string, from = 0): Promise<SecretRecord> {
    const { regions, keyStores, recorder } = this.#services;
    const { keys } = await keyStores.of(client);
    await prepareMove(await regions.of(client), client);
    this.#step('prepared', client);
    const { leadMs, overlapMs } = this.#pace;
    const usedFrom = Math.max(from, Date.now() + leadMs);
    const details = { usedFrom: new Date(usedFrom).toISOString() };
    const plan = { publishedBy: usedFrom - leadMs / 2, usedFrom, dueAt: usedFrom + overlapMs };
    const published = await changing(recorder, 'CLIENT_SECRET_PUBLISHED', { client, principal: 'keys', details }, () =>
      keys.secrets.publish(client, plan),
    );
    this.#step('published', client);
    return published;
  }

  /**
   * Begins what is due: the secrets of clients that have been used for longer than `everyMs` are replaced in two weeks.
   * @param onFailure called for a client whose secret could not be replaced; the next one comes
   */
  async beginDue(everyMs: number, onFailure: (error: unknown) => void): Promise<void> {
    for (const { keys } of this.#services.keyStores.all()) {
      const before = Date.now() - everyMs;
      for (let after = ''; ; ) {
        const client = await keys.secrets.nextOlderThan(before, after);
        if (client === undefined) break;
        await this.begin(client, Date.now() + ANNOUNCED_MS).catch(onFailure);
        after = client;
      }
    }
  }

  /**
   * Goes on with what is due: rows are moved to the newer secret, and the older one is destroyed.
   * @param onFailure called for a client that could not be moved, and for rows with an identifier that another row has
   *   too; the next one comes
   * @param signal stops it between two steps; another call goes on
   * @returns the clients whose old secret is gone
   */
  async advance(onFailure: (error: unknown) => void, signal?: AbortSignal): Promise<string[]> {
    const gone: string[] = [];
    for (const place of this.#services.keyStores.all()) {
      for (let after = ''; !signal?.aborted; ) {
        const client = await place.keys.secrets.nextDue(after);
        if (client === undefined) break;
        try {
          if (await this.#advance(place, client, onFailure, signal)) gone.push(client);
        } catch (error) {
          onFailure(error);
        }
        after = client;
      }
    }
    return gone;
  }

  /**
   * Makes the blind indexes of a client anew whose rows were made with a secret that is gone. It makes them with the
   * secret that every process has: one that is announced, or used by some only, takes over in time (`advance`).
   * @returns the rows with an identifier that another row has too
   */
  async recover(client: string): Promise<DoubledRow[]> {
    const place = await this.#services.keyStores.of(client);
    const to = settledAmong(await place.keys.secrets.of(client), Date.now());
    return (await this.#move(place, client, to, { again: true })).doubled;
  }

  /** A client's secrets, the first one first; nothing where it was never replaced. */
  async state(client: string): Promise<SecretRecord[]> {
    return (await this.#services.keyStores.of(client)).keys.secrets.of(client);
  }

  /** @returns whether the old secret is gone */
  async #advance(
    place: KeysPlace,
    client: string,
    onFailure: (error: unknown) => void,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { recorder, regions } = this.#services;
    const { secrets } = place.keys;
    const newest = (await secrets.of(client)).at(-1);
    if (!newest) return false;
    const source = await regions.of(client);
    try {
      const { isOver, doubled } = await this.#move(place, client, newest, { signal });
      if (doubled.length > 0) onFailure(new DoubledIdentifiersError(client, doubled));
      if (!isOver) return false;
    } catch (error) {
      if (!(error instanceof ClientKeyError) || error.code !== 'CLIENT_KEY_DESTROYED') throw error;
      // Its data is being erased with its keys.
      await abandonMove(source, client);
      await secrets.giveUp(client);
      return false;
    }
    this.#step('moved', client);
    await requireMoved(source, client, newest.id);
    // Another process may have ended this replacement meanwhile, and begun the next one.
    const old = (await secrets.of(client)).filter(
      ({ destroyedAt, number }) => destroyedAt === undefined && number < newest.number,
    );
    const details = { number: old.map(({ number }) => number).join(' ') };
    const destroy = () => secrets.destroyOld(client, newest.number);
    const isAlone =
      old.length === 0
        ? await destroy()
        : await changing(recorder, 'CLIENT_SECRET_DESTROYED', { client, principal: 'keys', details }, destroy);
    this.#step('destroyed', client);
    if (isAlone) await finishMove(source, client);
    this.#step('finished', client);
    return true;
  }

  /** Moves a client's rows to a secret, unless they are at a newer one, or on the way there. */
  async #move(
    { keys }: KeysPlace,
    client: string,
    to: SecretName,
    { signal, again = false }: { readonly signal?: AbortSignal | undefined; readonly again?: boolean },
  ): Promise<{ isOver: boolean; doubled: DoubledRow[] }> {
    const { regions, entities } = this.#services;
    // Each round meets what the one before has left.
    const doubled = new Map<string, DoubledRow>();
    const onDoubled = (row: DoubledRow) => void doubled.set([row.table, ...row.key].join(), row);
    const parts = { source: await regions.of(client), keys, entities, onDoubled };
    for (;;) {
      const moved = await moveSome(parts, client, to, { again });
      if (moved !== 'MOVING') return { isOver: moved === 'MOVED', doubled: [...doubled.values()] };
      this.#step('moving', client);
      if (signal?.aborted) return { isOver: false, doubled: [...doubled.values()] };
    }
  }

  #step(step: SecretStep, client: string): void {
    this.#services.onStep?.(step, client);
  }
}

/** Rows have an identifier that another row has too, though one only may have it. */
class DoubledIdentifiersError extends Error {
  override readonly name = 'DoubledIdentifiersError';

  constructor(client: string, doubled: readonly DoubledRow[]) {
    const rows = doubled.map(
      ({ table, key, isLeft }) =>
        `${table} ${key.join(' ')} (${isLeft ? 'is not found by it' : 'both are found by it'})`,
    );
    super(`At client ${client}, rows have an identifier that another row has too: ${rows.join(', ')}`);
  }
}

/** Read again, before what made the rows' indexes is given up. */
async function requireMoved(source: DataSource, client: string, secret: string): Promise<void> {
  if ((await secretOfRows(source, client)) !== secret)
    throw new Error(`the identifiers of client ${client} are moved by another process; it is tried again`);
}
