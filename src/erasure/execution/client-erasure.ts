import type { DataSource, EntityManager } from 'typeorm';
import { allCategories } from '../../governance/vocabulary';
import type { ChangeRecorder } from '../../identity/change-recorder';
import { ClientKeyError } from '../../keys/errors';
import type { KeyStore } from '../../keys/key-store';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import type { TenantTable } from '../../tenancy/tenant-table';
import { holdsOfClient } from '../holds/legal-holds';
import { nextExpiry, retainedBy } from '../holds/retained';
import type { Retained } from '../records/certificate';
import type { ErasureRecord, ErasureRecords, KeysDeleted } from '../records/erasure-records';
import type { Tombstones } from '../records/tombstones';
import type { ErasureFiling } from '../requests/filing';
import type { ErasureRequestState } from '../requests/request-state';
import type { TerminationExports } from '../requests/termination-exports';
import { recordAct } from './acts';
import { eraseChunk, type Range, storesWithRows } from './eraser';
import { TERMINATION_EVENT } from './erasure-recipients';
import { CLIENT_KEY, dataStore, KEY_STORE } from './plan';
import type { Purger } from './purger';
import { type KeysGone, keysGone } from './request-changes';
import type { Step } from './steps';
import type { ErasedRows, ErasureTarget, Kept, PassSteps } from './target';

/** What the end of clients needs. */
export interface ClientErasureServices {
  readonly keys: KeyStore;
  readonly records: ErasureRecords;
  readonly tombstones: Tombstones;
  readonly recorder: ChangeRecorder;
  readonly filing: ErasureFiling;
  readonly purgers: readonly Purger[];
  readonly tables: readonly TenantTable[];
  readonly terminationExports: TerminationExports | undefined;
  readonly now: () => number;
}

const CHUNK = 500;
/** Tables that the erasure itself needs. They are emptied last, in the transaction that ends it. */
const RUNNING_ON = new Set(['job', 'erasure_step']);

/**
 * The end of a client (statement D1, D3). Tables are erased one by one in key order, without keeping rows in memory.
 * Then the client's key is destroyed, which makes its data in every backup unreadable (docs/pitfalls.md, 29).
 */
export class ClientErasure implements ErasureTarget {
  readonly event = TERMINATION_EVENT;
  readonly tables: readonly TenantTable[];
  readonly #services: ClientErasureServices;
  readonly #source: DataSource;
  readonly #client: string;
  /** Without the client's key nobody can read rows that a backup brings back, so holds do not keep them. */
  #isKeyThere: boolean;

  static async of(services: ClientErasureServices, source: DataSource, client: string): Promise<ClientErasure> {
    return new ClientErasure(services, source, client, await hasKey(services.keys, client));
  }

  private constructor(services: ClientErasureServices, source: DataSource, client: string, isKeyThere: boolean) {
    this.#services = services;
    this.#source = source;
    this.#client = client;
    this.#isKeyThere = isKeyThere;
    this.tables = services.tables.filter(isEmptied);
  }

  async awaits(manager: EntityManager, request: ErasureRequestState): Promise<number | null> {
    if (request.pass > 0) return null;
    return (await this.#services.terminationExports?.awaits(manager, request)) ?? null;
  }

  /** Nobody is locked: holds are read in each turn. */
  async enter(): Promise<void> {}

  async kept(manager: EntityManager, request: ErasureRequestState): Promise<Kept> {
    const at = this.#services.now();
    const holds = this.#isKeyThere ? await holdsOfClient(manager, this.#client, at) : [];
    const claimsUntil = claimsAt(request, at);
    const ends = [nextExpiry(holds), claimsUntil].filter((time) => time !== null);
    return {
      retained: [...retainedBy({ categories: null }, holds), ...keptForClaims(request, at)],
      isAll: false,
      until: ends.length > 0 ? Math.min(...ends) : null,
      people: [...new Set(holds.map(({ customerId }) => customerId))].sort(),
    };
  }

  /**
   * Only tables whose rows are deleted: the others keep emptied rows. Rows in a table that was just emptied came late.
   */
  async late(manager: EntityManager, { people }: Kept, steps: readonly Step[]): Promise<readonly string[]> {
    const stores = new Set(steps.map(({ store }) => store));
    // A table that is missing from the plan is new, or is kept for claims. Only the new one is emptied.
    const emptied = this.tables.filter((table) => actionOn(table) === 'DELETE' && !isMissingForClaims(table, stores));
    return storesWithRows(manager, emptied, { client: this.#client, except: people });
  }

  /**
   * Takes over open requests for single people, so that no row is counted twice. Those of people under a hold stay, and
   * those that only await the end of an epoch.
   */
  async begin(manager: EntityManager, { people }: Kept): Promise<void> {
    const held = new Set(people);
    const open = await tenantSql(manager, this.#client).select<{
      id: string;
      customer_id: string | null;
    }>`
      SELECT id, customer_id FROM erasure_request WHERE ${own} AND kind = 'CUSTOMER'
      AND status NOT IN ('CANCELLED', 'COMPLETED', 'AWAITING_EPOCH')`;
    const ours = open.filter(({ customer_id }) => customer_id === null || !held.has(customer_id)).map(({ id }) => id);
    for (let start = 0; start < ours.length; start += CHUNK) {
      const chunk = ours.slice(start, start + CHUNK);
      await tenantSql(manager, this.#client).change`DELETE FROM job WHERE ${own} AND id IN (${chunk})`;
    }
  }

  /**
   * Copies go first: a running export notices that it is discarded, and its pieces are too large to delete in chunks of
   * rows.
   */
  async plan(request: ErasureRequestState, kept: Kept): Promise<PassSteps> {
    const { purgers, records, now } = this.#services;
    const tables = this.tables.filter((table) => claimsAt(request, now()) === null || !isForClaims(table));
    const stay = await this.#keptSubjects(request, kept);
    const expected = (await records.countKeys(this.#client)) - stay.size;
    return [
      ...purgers.map(({ store }) => ({ store, action: 'PURGE' as const, categories: [] })),
      ...tables.map((table) => ({ store: dataStore(table), action: actionOn(table), categories: [] })),
      { store: KEY_STORE, action: 'DESTROY_KEY', categories: [], expected },
      ...(kept.retained.length === 0
        ? [{ store: CLIENT_KEY, action: 'DESTROY_KEY' as const, categories: [], expected: 1 }]
        : []),
    ];
  }

  async planned(request: ErasureRequestState, { people }: Kept, pass: number): Promise<void> {
    const { terminationExports, recorder } = this.#services;
    if (pass === 1) await terminationExports?.goneOn(request);
    await this.#fileFor(request, people);
    await recordAct(recorder, 'CLIENT_ERASURE_BEGUN', request, { pass });
  }

  async erase(
    manager: EntityManager,
    steps: readonly Step[],
    { people }: Kept,
    limit: number,
    after: Range['after'],
  ): Promise<ErasedRows> {
    const byStore = new Map(this.tables.map((table) => [dataStore(table), table]));
    const counted: Array<ErasedRows['counted'][number]> = [];
    let budget = limit;
    for (const [index, step] of steps.entries()) {
      const table = byStore.get(step.store);
      const from = index === 0 && after ? { after } : {};
      const range = { client: this.#client, except: people, ...from };
      const chunk = table
        ? await eraseChunk(manager, table, step.action, new Set(allCategories), range, budget)
        : { rows: 0 };
      counted.push({ step, rows: chunk.rows, done: !chunk.next });
      if (chunk.next) return { counted, next: chunk.next };
      budget -= chunk.rows;
      if (budget <= 0) break;
    }
    return { counted };
  }

  copiedUntil(): number {
    return this.#services.now();
  }

  async destroyKeys(
    { store }: Step,
    kept: Kept,
    request: ErasureRequestState,
    record: ErasureRecord,
  ): Promise<KeysDeleted> {
    const { keys, tombstones, records, now } = this.#services;
    // Repeated after a restore: the epoch on record has made it final.
    const known = record.completedAt === null ? null : record.keysDeleted;
    if (store === KEY_STORE) {
      const epoch = await keys.destroySubjectKeysExcept(this.#client, await this.#keptSubjects(request, kept));
      return known ?? { at: now(), epoch };
    }
    const epoch = await keys.destroyClientKey(this.#client);
    this.#isKeyThere = false;
    await tombstones.dropClient(this.#client);
    await records.forgetSubjects(this.#client);
    return known ?? { at: now(), epoch };
  }

  isKeyDestroyed(steps: readonly Step[]): boolean {
    return steps.some(({ store }) => store === CLIENT_KEY);
  }

  async certifying(request: ErasureRequestState, { people }: Kept, isComplete: boolean): Promise<void> {
    // People who came under a hold meanwhile are erased by requests of their own when it ends.
    await this.#fileFor(request, people);
    const kind = isComplete ? 'ERASURE_EXECUTED' : 'ERASURE_PARTLY';
    await recordAct(this.#services.recorder, kind, request, { pass: request.pass });
  }

  /** What it was about is in no table but its own. */
  async forget(): Promise<void> {}

  async complete(manager: EntityManager, { id }: ErasureRequestState, at: number, gone: KeysGone): Promise<void> {
    await tenantSql(manager, this.#client).change`
        UPDATE erasure_request
        SET status = 'COMPLETED', completed_at = COALESCE(completed_at, ${at}), ${keysGone(gone)}
        WHERE ${own} AND id = ${id}`;
    // The end of the client completes open requests for its people; its certificate is their proof.
    await tenantSql(manager, this.#client).change`
      UPDATE erasure_request
      SET status = 'COMPLETED', completed_at = COALESCE(completed_at, ${at}), ended_by = ${id}
      WHERE ${own} AND status NOT IN ('CANCELLED', 'COMPLETED')`;
    await tenantSql(manager, this.#client).change`DELETE FROM job WHERE ${own}`;
    await manager.query('DELETE FROM policy_version WHERE scope = ?', [this.#client]);
  }

  /**
   * Requests the erasure of people under a hold: at once for what it does not keep, and completely when it ends. Then
   * the end of the client continues.
   */
  async #fileFor({ requestedBy, requestedRole, grounds }: ErasureRequestState, people: readonly string[]) {
    const by = { principal: requestedBy, role: requestedRole, grounds };
    for (let start = 0; start < people.length; start += CHUNK) {
      await this.#services.filing.file(this.#client, people.slice(start, start + CHUNK), by);
    }
  }

  /** Subjects whose keys stay for now: people under a hold, and client users kept for claims. */
  async #keptSubjects(request: ErasureRequestState, { people }: Kept): Promise<ReadonlySet<string>> {
    if (claimsAt(request, this.#services.now()) === null) return new Set(people);
    const users = await tenantSql(this.#source, this.#client).select<{
      id: string;
    }>`SELECT id FROM client_user WHERE ${own}`;
    return new Set([...people, ...users.map(({ id }) => id)]);
  }
}

/** Whether the end of a client empties a table. Business records that the declaration keeps stay (statement D4, D5). */
const isEmptied = ({ name, erasure, subject }: TenantTable): boolean =>
  !RUNNING_ON.has(name) && (erasure !== 'KEEP' || subject !== undefined);

/** Tables in which a restored backup can bring back rows of an erased client. */
export const tablesOfClients = (tables: readonly TenantTable[]): TenantTable[] =>
  tables.filter(({ name, erasure }) => erasure !== 'KEEP' && !RUNNING_ON.has(name));

const isForClaims = ({ subject, fields }: TenantTable): boolean =>
  subject?.kind === 'CLIENT_USER' && [...fields.values()].some(({ personal }) => personal?.retention === 'CLAIMS');

const isMissingForClaims = (table: TenantTable, planned: ReadonlySet<string>): boolean =>
  isForClaims(table) && !planned.has(dataStore(table));

/** Nothing stays as de-identified facts: they would still belong to the client (statement D4). */
const actionOn = (table: TenantTable): 'DELETE' | 'DEIDENTIFY' => (table.erasure === 'KEEP' ? 'DEIDENTIFY' : 'DELETE');

/** Until when client users are kept (statement D5); null where they are not. */
const claimsAt = ({ claimsUntil }: ErasureRequestState, at: number): number | null =>
  claimsUntil !== null && claimsUntil > at ? claimsUntil : null;

/** It names categories, not persons. */
function keptForClaims(request: ErasureRequestState, at: number): Retained[] {
  const claimsUntil = claimsAt(request, at);
  if (claimsUntil === null) return [];
  const until = new Date(claimsUntil).toISOString();
  const reason = `CLIENT_USERS ${request.claimsReason ?? 'LAW'}`;
  return (['NAME', 'CONTACT'] as const).map((category) => ({ category, reason, until }));
}

async function hasKey(keys: KeyStore, client: string): Promise<boolean> {
  try {
    return (await keys.derivedKey(client, 'ledger')).length > 0;
  } catch (error) {
    if (error instanceof ClientKeyError) return false;
    throw error;
  }
}
