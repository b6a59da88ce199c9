import type { DataSource } from 'typeorm';
import { type Forms, formsOf, type Identifier } from '../../identifiers/forms';
import { digestOf } from '../../keys/blind-index';
import type { KeyStore } from '../../keys/key-store';
import type { KeyStores } from '../../keys/key-stores';
import { dialectOf } from '../../storage/dialect';
import { placesFor } from '../../storage/sql';
import { runStatement } from '../../storage/statements';
import { writeStatement } from '../../storage/write-statement';

const CHUNK = 1_000;

/**
 * What stays of an erased person: digests of their identifiers under a key of the client. They only tell whether a
 * given identifier was erased. Without the client's key they tell nothing.
 */
export class Tombstones {
  readonly #stores: KeyStores;
  readonly #keys: KeyStore;

  constructor(stores: KeyStores, keys: KeyStore) {
    this.#stores = stores;
    this.#keys = keys;
  }

  /** Identifiers of the list that belonged to an erased person. One look-up serves a batch of an import. */
  async erased<T extends Identifier>(client: string, identifiers: readonly T[]): Promise<T[]> {
    if (identifiers.length === 0 || !(await this.hasAny(client))) return [];
    const digests = await this.#digests(client, identifiers, 'recognised');
    const wanted = [...new Set(digests.flat())];
    if (wanted.length === 0) return [];
    const source = await this.#sourceOf(client);
    const known = new Set<string>();
    for (let start = 0; start < wanted.length; start += CHUNK) {
      const chunk = wanted.slice(start, start + CHUNK);
      const rows = await runStatement<Array<{ digest: string }>>(
        source,
        `SELECT digest FROM erasure_tombstone WHERE client_id = ? AND digest IN (${placesFor(chunk)})`,
        [client, ...chunk],
      );
      for (const { digest } of rows) known.add(digest);
    }
    return identifiers.filter((_, index) => digests[index]?.some((digest) => known.has(digest)));
  }

  /** Sets a person's tombstones. Existing ones stay. */
  async set(client: string, request: string, identifiers: readonly Identifier[], at: number): Promise<void> {
    const digests = await this.#digests(client, identifiers, 'kept');
    const byDigest = new Map(
      identifiers.flatMap(({ kind }, index) => (digests[index] ?? []).map((digest) => [digest, kind] as const)),
    );
    if (byDigest.size === 0) return;
    const source = await this.#sourceOf(client);
    const insert = dialectOf(source).insertIgnore;
    await writeStatement(
      source,
      `${insert} erasure_tombstone (client_id, digest, kind, request_id, created_at)
       VALUES ${[...byDigest].map(() => '(?, ?, ?, ?, ?)').join(', ')}`,
      [...byDigest].flatMap(([digest, kind]) => [client, digest, kind, request, at]),
    );
  }

  /** Deletes the tombstones of a client whose key is destroyed: nothing can be compared with them any more. */
  async dropClient(client: string): Promise<void> {
    const source = await this.#sourceOf(client);
    await writeStatement(source, 'DELETE FROM erasure_tombstone WHERE client_id = ?', [client]);
  }

  /** Whether anybody was erased at the client. If not, computing digests, which is expensive, can be skipped. */
  async hasAny(client: string): Promise<boolean> {
    const sql = 'SELECT 1 AS one FROM erasure_tombstone WHERE client_id = ? LIMIT 1';
    return (await runStatement<unknown[]>(await this.#sourceOf(client), sql, [client])).length > 0;
  }

  async #sourceOf(client: string): Promise<DataSource> {
    return (await this.#stores.of(client)).source;
  }

  /** Digests of each identifier's forms; none for a placeholder. Those to be kept are made with the key of now. */
  async #digests(
    client: string,
    identifiers: readonly Identifier[],
    which: keyof Pick<Forms, 'kept' | 'recognised'>,
  ): Promise<string[][]> {
    if (identifiers.length === 0) return [];
    const { current, all } = await this.#keys.derivedKeys(client, 'tombstone');
    const keys = which === 'kept' ? [current] : all;
    return identifiers.map((each) => {
      const forms = formsOf(each)?.[which] ?? [];
      return keys.flatMap((key) => forms.map((form) => digestOf(key, each.kind, form)));
    });
  }
}
