import { AsyncResource } from 'node:async_hooks';
import type { DataSource, EntityManager } from 'typeorm';
import { placesFor } from '../storage/sql';
import { readCells } from '../storage/statements';

interface Asked {
  readonly scopes: readonly string[];
  resolve(versions: ReadonlyMap<string, number>): void;
  reject(error: unknown): void;
}

/** The most requests that share one read. */
const REQUESTS_PER_READ = 200;
/** A read that takes longer is overdue: its connection may be silent, and another read is tried beside it. */
const OVERDUE_MS = 250;
/** The most overdue reads. They hold connections. */
const MOST_OVERDUE = 3;
/** Reads run outside any request's context, and so outside its transactions. */
const outside = new AsyncResource('PolicyVersions');

/**
 * Reads versions of one database for all requests. Requests that arrive during a read share the next one. So each sees
 * everything that was committed when it asked, and a hundred concurrent requests take a few reads. A read that is stuck
 * holds nobody up: whom it was to answer, the next one answers.
 */
export class VersionReader {
  readonly #source: DataSource;
  readonly #waiting = new Set<Asked>();
  #isReading = false;
  #overdue = 0;

  constructor(source: DataSource) {
    this.#source = source;
  }

  read(scopes: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return new Promise((resolve, reject) => {
      this.#waiting.add({ scopes, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#isReading || this.#waiting.size === 0 || this.#overdue >= MOST_OVERDUE) return;
    this.#isReading = true;
    // Requests that are received together share one read.
    outside.runInAsyncScope(setImmediate, undefined, () => void this.#run());
  }

  async #run(): Promise<void> {
    const asked = [...this.#waiting].slice(0, REQUESTS_PER_READ);
    for (const one of asked) this.#waiting.delete(one);
    // A read that was overdue has answered them meanwhile.
    if (asked.length === 0) {
      this.#isReading = false;
      return;
    }
    let isOverdue = false;
    const timer = setTimeout(() => {
      isOverdue = true;
      this.#overdue++;
      this.#isReading = false;
      for (const one of asked) this.#waiting.add(one);
      this.#next();
    }, OVERDUE_MS);
    try {
      // Reads see committed versions only: one that is rolled back would be used again for other content.
      const scopes = new Set<string>();
      for (const one of asked) for (const scope of one.scopes) scopes.add(scope);
      const versions = await versionsIn(this.#source, [...scopes]);
      for (const one of asked) one.resolve(versions);
    } catch (error) {
      for (const one of asked) one.reject(error);
    }
    clearTimeout(timer);
    // Whom this read was late for, and no other read has answered yet.
    for (const one of asked) this.#waiting.delete(one);
    if (isOverdue) this.#overdue--;
    else this.#isReading = false;
    this.#next();
  }
}

/** The versions of some scopes in one database, or as a snapshot of it sees them. */
export async function versionsIn(
  source: DataSource | EntityManager,
  scopes: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const sql = `SELECT scope, version FROM policy_version WHERE scope IN (${placesFor(scopes)})`;
  return new Map((await readCells(source, sql, scopes)) as ReadonlyArray<readonly [scope: string, version: number]>);
}
