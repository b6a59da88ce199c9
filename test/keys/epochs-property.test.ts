import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { KEY_CACHE_TTL_MS } from '../../src/keys/key-cache';
import { KeyStore } from '../../src/keys/key-store';
import type { RootKeys } from '../../src/keys/roots/root-keys';
import { DAY_MS } from '../../src/law/calendar';
import { databases, type TestDatabase } from '../support/databases';
import { newRoots, openKeysSource } from './keys-source';

/** What one of two processes does; several steps run at once. */
type Step =
  | { readonly does: 'create'; readonly process: number; readonly count: number }
  | { readonly does: 'read'; readonly process: number }
  | { readonly does: 'destroy'; readonly process: number; readonly which: number }
  | { readonly does: 'turn'; readonly process: number }
  | { readonly does: 'wait'; readonly process: number };

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom('create', 'create', 'read', 'read', 'destroy', 'destroy', 'turn', 'wait'),
  process: fc.integer({ min: 0, max: 1 }),
  count: fc.integer({ min: 1, max: 300 }),
  which: fc.nat(),
}) as fc.Arbitrary<Step>;

describe.each(databases)('two processes and the turning of epochs on $name', ({ create }) => {
  let database: TestDatabase;
  let source: DataSource;
  let folder: string;

  beforeAll(async () => {
    database = await create();
    source = await openKeysSource(database.keysDatabaseUrl);
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'remit-epochs-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('a living key always reads the same, a destroyed one never comes back, and is final with its root', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 8 }), async (rounds) => {
        for (const table of ['subject_key', 'bucket_key', 'client_key', 'key_epoch'])
          await source.query(`DELETE FROM ${table}`);
        const model = new Model(source, await newRoots(folder, `root-${runs++}`));
        try {
          await model.begin();
          for (const steps of rounds) await model.round(steps);
          await model.settle();
        } finally {
          model.close();
        }
      }),
      { numRuns: 8 },
    );
  });
});

/** Two key stores over one database, and what is known of each person. */
class Model {
  readonly #roots: RootKeys;
  readonly #stores: readonly KeyStore[];
  readonly #client = randomUUID();
  readonly #living = new Map<string, Buffer>();
  /** The epoch whose end each person's destruction awaits. */
  readonly #destroyed = new Map<string, number>();
  #time = Date.now() + DAY_MS;

  constructor(source: DataSource, roots: RootKeys) {
    this.#roots = roots;
    this.#stores = [0, 1].map(() => new KeyStore(source, roots, { now: () => this.#time }));
  }

  async begin(): Promise<void> {
    await this.#store(0).createClientKey(this.#client);
  }

  /** Steps that run at once. */
  async round(steps: readonly Step[]): Promise<void> {
    await Promise.all(steps.map((one) => this.#run(one)));
    await this.#check();
  }

  /** At the end everything is final, and both processes see the same. */
  async settle(): Promise<void> {
    await this.#store(0).epochs.turn();
    await this.#store(1).epochs.turn();
    this.#time += KEY_CACHE_TTL_MS;
    await this.#check();
    for (const epoch of new Set(this.#destroyed.values()))
      expect(await this.#store(1).epochs.isFinal(epoch)).toBe(true);
    for (const store of this.#stores) {
      const all = [...this.#living.keys(), ...this.#destroyed.keys()];
      expect(await store.subjectKeys(this.#client, all)).toEqual(this.#living);
    }
  }

  close(): void {
    for (const store of this.#stores) store.close();
  }

  async #run(one: Step): Promise<void> {
    const store = this.#store(one.process);
    switch (one.does) {
      case 'create': {
        const made = await store.createSubjectKeys(
          this.#client,
          Array.from({ length: one.count }, () => randomUUID()),
        );
        for (const [person, key] of made) this.#living.set(person, key);
        return;
      }
      case 'read':
        return this.#read(store, [...this.#living.keys()].slice(-40));
      case 'destroy': {
        const person = [...this.#living.keys()][one.which % Math.max(1, this.#living.size)];
        if (person === undefined) return;
        this.#living.delete(person);
        this.#destroyed.set(person, await store.destroySubjectKey(this.#client, person));
        return;
      }
      case 'turn':
        await store.epochs.turn().catch((error: { code?: string }) => {
          if (error.code !== 'EPOCH_BUSY') throw error;
        });
        return;
      case 'wait':
        this.#time += KEY_CACHE_TTL_MS;
    }
  }

  async #read(store: KeyStore, persons: readonly string[]): Promise<void> {
    const found = await store.subjectKeys(this.#client, persons);
    // Those that are being destroyed meanwhile may be there or not.
    for (const person of persons.filter((each) => this.#living.has(each)))
      expect(found.get(person)).toEqual(this.#living.get(person));
  }

  async #check(): Promise<void> {
    for (const store of this.#stores) await this.#read(store, [...this.#living.keys()].slice(0, 40));
    const [{ epochs }, roots] = [this.#store(0), await this.#roots.ids()];
    const list = await epochs.list();
    for (const epoch of new Set(this.#destroyed.values())) {
      const chains = list.filter(({ number, rootId }) => number <= epoch && roots.includes(rootId));
      if (await epochs.isFinal(epoch)) expect(chains).toEqual([]);
    }
    this.#time += KEY_CACHE_TTL_MS;
    const gone = [...this.#destroyed.keys()].slice(-40);
    for (const store of this.#stores) expect(await store.subjectKeys(this.#client, gone)).toEqual(new Map());
  }

  #store(process: number): KeyStore {
    const store = this.#stores[process];
    if (!store) throw new Error('there are two processes');
    return store;
  }
}
