import type { DataSource } from 'typeorm';
import { type ChangeRecorder, changing } from './identity/change-recorder';
import { ClientKeyError } from './keys/errors';
import type { KeyStore } from './keys/key-store';
import type { KeyStores, KeysPlace } from './keys/key-stores';
import { FIRST_SECRET, type SecretRecord } from './keys/rotation/client-secrets';
import { ROTATION_PACE, type RotationPace } from './keys/rotation/rotating-keys';
import { DAY_MS } from './law/calendar';
import type { EntityClass } from './storage/entity-class';
import type { Regions } from './storage/regions';
import { abandonMove, finishMove, moveSome, prepareMove, secretOfRows } from './subjects/moved-identifiers';

/** What the replacement of clients' secrets needs. */
export interface ClientSecretServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly keyStores: KeyStores;
  readonly entities: readonly EntityClass[];
  readonly recorder: ChangeRecorder;
  readonly pace?: RotationPace | undefined;
  /** Called after each committed step, with the client. */
  readonly onStep?: (step: SecretStep, client: string) => void;
}

export type SecretStep = 'prepared' | 'published' | 'moving' | 'moved' | 'destroyed' | 'finished';

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
    this.#pace = services.pace ?? ROTATION_PACE;
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
   * @param onFailure called for a client that could not be moved; the next one comes
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
          if (await this.#advance(place, client, signal)) gone.push(client);
        } catch (error) {
          onFailure(error);
        }
        after = client;
      }
    }
    return gone;
  }

  /** Makes the blind indexes of a client anew whose rows were made with a secret that is gone. */
  async recover(client: string): Promise<void> {
    const { regions, keyStores } = this.#services;
    const known = await (await keyStores.of(client)).keys.secrets.of(client);
    const newest = known.at(-1)?.id ?? FIRST_SECRET;
    const source = await regions.of(client);
    while (!(await moveSome({ ...this.#services, source }, client, newest))) this.#step('moving', client);
  }

  /** A client's secrets, the first one first; nothing where it was never replaced. */
  async state(client: string): Promise<SecretRecord[]> {
    return (await this.#services.keyStores.of(client)).keys.secrets.of(client);
  }

  /** @returns whether the old secret is gone */
  async #advance({ keys }: KeysPlace, client: string, signal: AbortSignal | undefined): Promise<boolean> {
    const { recorder, regions } = this.#services;
    const known = await keys.secrets.of(client);
    const newest = known.at(-1);
    if (!newest) return false;
    const source = await regions.of(client);
    try {
      while (!(await moveSome({ ...this.#services, source }, client, newest.id))) {
        this.#step('moving', client);
        if (signal?.aborted) return false;
      }
    } catch (error) {
      if (!(error instanceof ClientKeyError)) throw error;
      // Its data is being erased with its keys.
      await abandonMove(source, client);
      await keys.secrets.giveUp(client);
      return false;
    }
    this.#step('moved', client);
    await requireMoved(source, client, newest.id);
    const old = known.filter(({ destroyedAt, number }) => destroyedAt === undefined && number < newest.number);
    const details = { number: old.map(({ number }) => number).join(' ') };
    const destroy = () => keys.secrets.destroyOld(client);
    if (old.length === 0) await destroy();
    else await changing(recorder, 'CLIENT_SECRET_DESTROYED', { client, principal: 'keys', details }, destroy);
    this.#step('destroyed', client);
    await finishMove(source, client);
    this.#step('finished', client);
    return true;
  }

  #step(step: SecretStep, client: string): void {
    this.#services.onStep?.(step, client);
  }
}

/** Read again, before what made the rows' indexes is given up. */
async function requireMoved(source: DataSource, client: string, secret: string): Promise<void> {
  if ((await secretOfRows(source, client)) !== secret)
    throw new Error(`the identifiers of client ${client} are moved by another process; it is tried again`);
}
