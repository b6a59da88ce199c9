import type { DataSource, EntityManager } from 'typeorm';
import { allCategories, type DataCategory } from '../../governance/vocabulary';
import type { Identifier } from '../../identifiers/forms';
import type { ChangeRecorder } from '../../identity/change-recorder';
import type { Jobs } from '../../jobs/jobs';
import { ClientKeyError, UnsealError } from '../../keys/errors';
import type { KeyStore } from '../../keys/key-store';
import { Customer } from '../../subjects/customer';
import { identifierFields, identifiersOf } from '../../subjects/identifiers';
import { lockFence } from '../../tenancy/fence';
import { type Row, TenantReader } from '../../tenancy/tenant-reader';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import { fencedBy, type TenantTable, tableOf } from '../../tenancy/tenant-table';
import { holdsInForce } from '../holds/legal-holds';
import { erasedCategories, nextExpiry, retainedBy } from '../holds/retained';
import { hadKey } from '../records/certificates';
import type { ErasureRecord, ErasureRecords, KeysDeleted } from '../records/erasure-records';
import type { Tombstones } from '../records/tombstones';
import { agreedTerms } from '../requests/agreed-terms';
import type { ErasureRequestState } from '../requests/request-state';
import { recordAct } from './acts';
import { eraseChunk, rowsOf, storesWithRows } from './eraser';
import { ERASURE_EVENT } from './erasure-recipients';
import { dataStore, KEY_STORE, planErasure, tablesAbout } from './plan';
import type { Purger } from './purger';
import { type KeysGone, keysGone } from './request-changes';
import type { Step } from './steps';
import type { ErasedRows, ErasureTarget, Kept, PassSteps } from './target';

/** What the erasure of people needs. */
export interface PersonErasureServices {
  readonly keys: KeyStore;
  readonly records: ErasureRecords;
  readonly tombstones: Tombstones;
  readonly recorder: ChangeRecorder;
  readonly jobs: Jobs;
  readonly purgers: readonly Purger[];
  readonly tables: readonly TenantTable[];
  readonly now: () => number;
}

/** This table forgets the person in the transaction that ends the request. */
export const REQUEST_TABLE = 'erasure_request';

/**
 * The erasure of one person: rows, copies, and the key when nothing is kept. Once it has forgotten the person, it only
 * awaits the end of an epoch.
 */
export class PersonErasure implements ErasureTarget {
  readonly event = ERASURE_EVENT;
  readonly tables: readonly TenantTable[];
  readonly #services: PersonErasureServices;
  readonly #source: DataSource;
  readonly #client: string;
  readonly #known: string | null;
  /** Without a key nothing can be kept, and no hold can be placed any more. */
  #isKeyGone: boolean;

  /** @param customer null once it is forgotten */
  constructor(services: PersonErasureServices, source: DataSource, client: string, customer: string | null) {
    this.#services = services;
    this.#source = source;
    this.#client = client;
    this.#known = customer;
    this.#isKeyGone = customer === null;
    this.tables = services.tables.filter(({ name }) => name !== REQUEST_TABLE);
  }

  async awaits(): Promise<null> {
    return null;
  }

  /** Writes about the person, and holds on them, wait for this lock or are seen after it (fence.ts). */
  async enter(manager: EntityManager): Promise<void> {
    const people = fencedBy(tableOf(Customer));
    if (people && this.#known !== null) await lockFence(manager, people, this.#client, [this.#customer]);
  }

  async kept(manager: EntityManager, request: ErasureRequestState): Promise<Kept> {
    const holds = this.#isKeyGone
      ? []
      : await holdsInForce(manager, this.#client, [this.#customer], this.#services.now());
    return {
      retained: retainedBy(request, holds),
      isAll: erasedCategories(request, holds).length === 0,
      until: nextExpiry(holds),
      people: [],
    };
  }

  /** Only for people who are erased completely. The others keep rows. */
  async late(manager: EntityManager, _kept: Kept, steps: readonly Step[]): Promise<readonly string[]> {
    if (!this.isKeyDestroyed(steps) || this.#known === null) return [];
    return storesWithRows(manager, tablesAbout(this.tables, 'CUSTOMER'), this.#range);
  }

  async begin(): Promise<void> {}

  async plan(request: ErasureRequestState, { retained }: Kept): Promise<PassSteps> {
    const { purgers, records, now } = this.#services;
    const { keepsDeidentified } = await agreedTerms(this.#source, this.#client, now());
    const kept = new Set<DataCategory>(retained.map(({ category }) => category));
    const categories = (request.categories ?? allCategories).filter((category) => !kept.has(category));
    const erased = new Set(categories);
    const isWhole = categories.length === allCategories.length;
    const expected = isWhole && (await records.hasKey(this.#client, this.#customer)) ? 1 : 0;
    const erases = (category: DataCategory) => erased.has(category);
    return [
      ...planErasure(this.tables, { subject: 'CUSTOMER', erases, keepsDeidentified }),
      ...purgers.map(({ store }) => ({ store, action: 'PURGE' as const, categories })),
      ...(isWhole ? [{ store: KEY_STORE, action: 'DESTROY_KEY' as const, categories, expected }] : []),
    ];
  }

  async planned({ id, categories }: ErasureRequestState): Promise<void> {
    const { tombstones, now } = this.#services;
    if (categories === null) await tombstones.set(this.#client, id, await this.#identifiers(), now());
  }

  /** A person with few rows is erased at once, one with many in several transactions. */
  async erase(manager: EntityManager, steps: readonly Step[], _kept: Kept, limit: number): Promise<ErasedRows> {
    const byStore = new Map(this.tables.map((table) => [dataStore(table), table]));
    const known = steps.flatMap((step) => {
      const table = byStore.get(step.store);
      return table ? [{ step, table }] : [];
    });
    const counts = await rowsOf(
      manager,
      known.map(({ table }) => table),
      this.#range,
    );
    const isSmall = counts.reduce((sum, count) => sum + count, 0) <= limit;
    // A table that a later version has dropped has no rows.
    const counted = steps.filter(({ store }) => !byStore.has(store)).map((step) => ({ step, rows: 0, done: true }));
    let budget = limit;
    for (const [index, { step, table }] of known.entries()) {
      if (budget <= 0) break;
      const most = isSmall ? undefined : budget;
      const chunk =
        counts[index] === 0
          ? { rows: 0 }
          : await eraseChunk(manager, table, step.action, new Set(step.categories), this.#range, most);
      const done = !('next' in chunk) || chunk.next === undefined;
      counted.push({ step, rows: chunk.rows, done });
      if (!done) break;
      budget -= chunk.rows;
    }
    return { counted };
  }

  /** A person is withheld since the request was made. A single category can be read until it is erased. */
  copiedUntil({ categories, replayedAt, requestedAt }: ErasureRequestState): number {
    return categories === null ? (replayedAt ?? requestedAt) : this.#services.now();
  }

  async destroyKeys(
    _step: Step,
    _kept: Kept,
    request: ErasureRequestState,
    record: ErasureRecord,
  ): Promise<KeysDeleted | undefined> {
    const { records, recorder, keys, now } = this.#services;
    const isThere = await records.hasKey(this.#client, this.#customer);
    // When the key is already gone after a crash, this has been recorded.
    if (isThere || !hadKey(record)) await recordAct(recorder, 'ERASURE_EXECUTED', request);
    this.#isKeyGone = true;
    if (!isThere && record.keysDeleted) return record.keysDeleted;
    if (!isThere && !hadKey(record)) return undefined;
    // The key may be gone since a crash that came before this was noted. Then the newest epoch is late enough.
    const epoch = await keys.destroySubjectKey(this.#client, this.#customer);
    return { at: now(), epoch };
  }

  isKeyDestroyed(steps: readonly Step[]): boolean {
    return steps.some(({ store }) => store === KEY_STORE);
  }

  async certifying(
    request: ErasureRequestState,
    _kept: Kept,
    isComplete: boolean,
    isKeyDestroyed: boolean,
  ): Promise<void> {
    if (isKeyDestroyed) return;
    await recordAct(this.#services.recorder, isComplete ? 'ERASURE_EXECUTED' : 'ERASURE_PARTLY', request);
  }

  async forget(manager: EntityManager, _request: ErasureRequestState, isKeyDestroyed: boolean): Promise<void> {
    if (isKeyDestroyed && this.#known !== null) {
      await tenantSql(manager, this.#client).change`
        UPDATE erasure_request SET customer_id = NULL, sealed_correspondence = NULL WHERE ${own}
        AND customer_id = ${this.#known}`;
    }
    // The end of the client may wait for this person.
    const waiting = await tenantSql(manager, this.#client).select<{
      id: string;
    }>`SELECT id FROM erasure_request WHERE ${own} AND kind = 'CLIENT' AND status = 'PARTIALLY_COMPLETED'`;
    const ids = waiting.map((request) => request.id);
    await this.#services.jobs.schedule(manager, this.#client, ids, this.#services.now());
  }

  async complete(manager: EntityManager, { id }: ErasureRequestState, at: number, gone: KeysGone): Promise<void> {
    await tenantSql(manager, this.#client).change`
      UPDATE erasure_request
      SET status = 'COMPLETED', completed_at = COALESCE(completed_at, ${at}), former_restriction = NULL,
      ${keysGone(gone)}
      WHERE ${own} AND id = ${id}`;
  }

  get #customer(): string {
    if (this.#known === null) throw new Error('the erasure has forgotten whom it was about');
    return this.#known;
  }

  get #range() {
    return { client: this.#client, subject: this.#customer };
  }

  async #identifiers(): Promise<Identifier[]> {
    const reader = new TenantReader(this.#source, this.#services.keys);
    const where = [{ field: 'id', is: '=', value: this.#customer } as const];
    const query = { client: this.#client, fields: identifierFields, where };
    const [row] = await reader.select(Customer, query).catch(nothingOpens);
    return identifiersOf(row ?? {});
  }
}

/** A client whose key is gone or damaged: its people are erased like others but cannot be read. */
function nothingOpens(error: unknown): Row[] {
  if (error instanceof UnsealError || error instanceof ClientKeyError) return [];
  throw error;
}
