import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { DataSource } from 'typeorm';
import type { RequestContext } from '../../identity/request-context';
import { macOf } from '../../keys/derived-keys';
import { PLATFORM } from '../../keys/platform-key';
import type { Regions } from '../../storage/regions';
import { committed, inTransaction } from '../../storage/transaction';
import { acrossClients, clockOf, limitOf, own, tenantSql } from '../../tenancy/tenant-sql';
import { gatewayErrors } from '../errors';
import type { DoneAgain } from './done-again';
import { KEPT_MS, KeyPlace } from './key-place';
import { KeyedMutation } from './keyed-mutation';

/** A mutation as it was sent under a key. */
export interface KeyedRequest {
  /** The request's own id. */
  readonly id: string;
  readonly key: string;
  readonly context: RequestContext;
  /** Everything that says what is asked for. */
  readonly sent: readonly unknown[];
}

interface Options {
  /** Keys of one principal that are kept at once. */
  readonly mostPerCaller: number;
  /** Milliseconds for which a claim keeps others off, where its holder does not renew it. */
  readonly leaseMs?: number;
}

const LEASE_MS = 10_000;

/** Principals whose keys are counted in this process. */
const MOST_COUNTED = 10_000;
/** Keys of a principal are counted in the database once for so many claims in a process. */
const COUNT_EVERY = 100;
/** Rows that one statement of a sweep looks for, and statements in one sweep. */
const [SWEPT_AT_ONCE, MOST_SWEEPS] = [500, 20];

/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header). A key belongs to one principal of one client, and is
 * kept beside what it writes: in the database of the client's region, and at home for what is written there.
 */
export class IdempotencyKeys {
  readonly #regions: Regions;
  readonly #key: Buffer;
  readonly #again: DoneAgain;
  readonly #options: Options;
  /** Claims in this process since the keys of a principal were counted. */
  readonly #claims = new LRUCache<string, number>({ max: MOST_COUNTED });

  /** @param key the platform's, for this use */
  constructor(regions: Regions, key: Buffer, again: DoneAgain, options: Options) {
    this.#regions = regions;
    this.#key = key;
    this.#again = again;
    this.#options = options;
  }

  /**
   * Claims a key for a mutation, or finds what was done under it. `settle` must be called at the end.
   * @throws {GatewayError} 422 where the key came with something else, 409 where that is under way, 429 where the
   *   principal has too many keys
   */
  async begin({ id: attempt, key, context, sent }: KeyedRequest): Promise<KeyedMutation> {
    const client = context.client?.id ?? PLATFORM;
    const whose = JSON.stringify([client, context.claims.subject]);
    const names = {
      client,
      id: this.#digest('key', whose, key),
      owner: this.#digest('owner', whose),
      fingerprint: this.#digest('sent', whose, canonical(sent)),
      attempt,
      secret: createHmac('sha256', this.#key)
        .update(JSON.stringify(['done', whose, key]))
        .digest(),
    };
    const { home } = this.#regions;
    const { leaseMs = LEASE_MS } = this.#options;
    const sources = context.client ? [await this.#regions.of(client), home] : [home];
    const places = [...new Set(sources)].map((source) => new KeyPlace(source, names, leaseMs));
    const keyed = new KeyedMutation(places, this.#again, leaseMs / 3);
    try {
      for (const place of places) if (await place.open()) await this.#count(place.source, client, names.owner);
    } catch (error) {
      await keyed.settle();
      throw error;
    }
    return keyed;
  }

  /** Forgets keys that are older than a day, in bounded steps. @returns how many */
  async sweep(): Promise<number> {
    let swept = 0;
    for (const source of this.#regions.all()) {
      for (let step = 0; step < MOST_SWEEPS; step++) {
        const old = await this.#old(source);
        for (const [client, ids] of old)
          swept += await inTransaction(
            source,
            (manager) => tenantSql(manager, client).change`
              DELETE FROM idempotency_key WHERE ${own} AND id IN (${ids})
              AND created_at < ${clockOf(manager)} - ${KEPT_MS} AND lease_until < ${clockOf(manager)}`,
          );
        if (old.size === 0) break;
      }
    }
    return swept;
  }

  async #old(source: DataSource): Promise<Map<string, string[]>> {
    const rows = await acrossClients(source).select<{ client_id: string; id: string }>`
      SELECT client_id, id FROM idempotency_key
      WHERE created_at < ${clockOf(source)} - ${KEPT_MS} AND lease_until < ${clockOf(source)}
      ORDER BY created_at LIMIT ${limitOf(SWEPT_AT_ONCE)}`;
    const old = new Map<string, string[]>();
    for (const { client_id: client, id } of rows) old.set(client, [...(old.get(client) ?? []), id]);
    return old;
  }

  /** Several processes may exceed the bound together by a hundred keys each. */
  async #count(source: DataSource, client: string, owner: string): Promise<void> {
    const claims = this.#claims.get(owner) ?? 0;
    this.#claims.set(owner, (claims + 1) % COUNT_EVERY);
    if (claims > 0) return;
    const [row] = await committed(
      source,
      () => tenantSql(source, client).select<{ n: number }>`
        SELECT COUNT(*) AS n FROM idempotency_key WHERE ${own} AND owner = ${owner}`,
    );
    if (Number(row?.n) <= this.#options.mostPerCaller) return;
    // Each further one is counted until there is room again.
    this.#claims.set(owner, 0);
    throw gatewayErrors.tooManyKeys(this.#options.mostPerCaller);
  }

  #digest(...parts: readonly string[]): string {
    return macOf(this.#key, JSON.stringify(parts));
  }
}

/** The same text for the same content, whatever the order in which a client writes an object's fields. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
