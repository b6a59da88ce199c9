import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import type { Regions } from '../storage/regions';
import { Remembered } from '../storage/remembered';
import { inSnapshot } from '../storage/snapshot';
import { REGISTER } from './policy-version';
import { versionsIn } from './version-reader';

/** Facts, and the policy version that they belong to. */
export interface Versioned<T> {
  readonly version: number;
  readonly facts: T;
}

/** How long a database may be behind the version that a request has seen. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 20;

/** A database that is too far behind: what was withdrawn might still be given. */
class StaleFactsError extends Error {
  override readonly name = 'StaleFactsError';
  /** As a database that is away: it may be up to date again later. */
  readonly code = 'ETIMEDOUT';

  constructor(scope: string) {
    super(`The database is behind the policy version of ${scope} that was read before.`);
  }
}

/**
 * Caches the facts behind decisions by policy version. The version and the rows are read in one snapshot of one
 * connection, and the facts are labelled with the version of that snapshot. So facts are never older than their label,
 * whichever node of a cluster answered. Requests that need the same facts share a read.
 */
export class VersionedFacts<T> {
  readonly #kept: LRUCache<string, Versioned<T>>;
  readonly #reading: Remembered<string, Versioned<T>>;

  /**
   * @param read reads the facts of a scope, a client or {@link REGISTER}, from a snapshot of the scope's database
   * @param max how many scopes are kept
   */
  constructor(regions: Regions, read: (from: EntityManager, scope: string) => Promise<T>, max = 10_000) {
    this.#kept = new LRUCache({ max });
    this.#reading = new Remembered(async (scope) => {
      const source = scope === REGISTER ? regions.home : await regions.of(scope);
      return inSnapshot(source, async (from) => {
        for (;;) {
          const version = await versionOf(from, scope);
          const facts = await read(from, scope);
          // A server that an operator has set to READ COMMITTED shows changes within a transaction.
          if ((await versionOf(from, scope)) === version) return { version, facts };
        }
      });
    });
  }

  /** The facts of exactly this version, where they are kept. */
  kept(scope: string, version: number): Versioned<T> | undefined {
    const kept = this.#kept.get(scope);
    return kept?.version === version ? kept : undefined;
  }

  /**
   * The facts of a scope for a request that has read this version. Those that are read for it may be newer.
   * @throws {StaleFactsError} where the database stays behind
   */
  async at(scope: string, version: number): Promise<Versioned<T>> {
    const kept = this.kept(scope, version);
    if (kept) return kept;
    for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(LOOK_EVERY_MS)) {
      const read = await this.#read(scope);
      if (read.version >= version) return read;
      if (Date.now() > deadline) throw new StaleFactsError(scope);
    }
  }

  async #read(scope: string): Promise<Versioned<T>> {
    const reading = this.#reading.get(scope);
    const read = await reading.finally(() => this.#reading.forget(scope, reading));
    this.#kept.set(scope, read);
    return read;
  }
}

async function versionOf(from: EntityManager, scope: string): Promise<number> {
  return (await versionsIn(from, [scope])).get(scope) ?? 0;
}
