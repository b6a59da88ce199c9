import { allCategories, type DataCategory } from '../../governance/vocabulary';
import { type ChangeRecorder, changing } from '../../identity/change-recorder';
import { denied } from '../../identity/request-context';
import type { KeyStore } from '../../keys/key-store';
import type { Delivery } from '../../register/webhooks/webhooks';
import { noteThings } from '../../storage/noted-ids';
import type { Regions } from '../../storage/regions';
import { committed, inTransaction } from '../../storage/transaction';
import { inSteps } from '../../storage/write-outcome';
import { Customer } from '../../subjects/customer';
import { filterConditions } from '../../subjects/customer-filter';
import type { CustomerFilter } from '../../subjects/customer-inputs';
import { everybody, lockPeople, mayAct, type Reach, requireReached, unreached } from '../../subjects/reach';
import type { Condition } from '../../tenancy/conditions';
import { UNDER_ERASURE } from '../../tenancy/fence';
import { type Row, TenantReader } from '../../tenancy/tenant-reader';
import { joined, limitOf, own, sql, tenantSql } from '../../tenancy/tenant-sql';
import type { ErasureRecipients } from '../execution/erasure-recipients';
import { type Step, stepsOf } from '../execution/steps';
import { holdsInForce } from '../holds/legal-holds';
import { keeper } from '../holds/retained';
import type { ErasureRecords } from '../records/erasure-records';
import { type BulkFiling, fileInBulk, PAGE, pagesOf } from './bulk-filing';
import { ErasureRequestRow, type ErasureStatus } from './erasure-request';
import type { ErasureFiling, Filing } from './filing';
import { type ErasureRequestState, isFinal, readRequest, type StateRow, stateColumns, stateOf } from './request-state';
import type { TerminationExports } from './termination-exports';

/** The most requests that one call makes. */
const FILING_LIMIT = 50_000;

export interface ErasureFilter {
  readonly status?: readonly ErasureStatus[] | null;
  readonly dueBefore?: Date | null;
}

export interface Retention {
  readonly category: DataCategory;
  readonly reason: string;
  readonly until: Date | null;
}

/** What erasure requests need. */
export interface ErasureRequestServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly filing: ErasureFiling;
  readonly records: ErasureRecords;
  readonly recipients: ErasureRecipients;
  readonly terminationExports: TerminationExports | undefined;
  readonly now: () => number;
}

/** Erasure requests: makes, cancels and reads them. The runner executes them. */
export class ErasureRequests {
  readonly #services: ErasureRequestServices;

  constructor(services: ErasureRequestServices) {
    this.#services = services;
  }

  /**
   * Requests the erasure of one customer. When there is an open request already, returns that one.
   * @throws {GraphQLError} NOT_FOUND, BAD_USER_INPUT
   */
  async request(client: string, customerId: string, filing: Filing): Promise<ErasureRequestState> {
    requireNote(filing);
    const { principal, grounds, reach = everybody } = filing;
    const source = await this.#services.regions.of(client);
    const [person] = await inTransaction(source, (manager) => lockPeople(manager, client, [customerId]));
    if (person && !mayAct(reach, person)) throw unreached();
    const open = await this.#openFor(client, customerId);
    if (!person && !open) throw unreached();
    const { filing: files, recorder } = this.#services;
    const change = { client, principal, subject: customerId, details: { grounds } };
    const { requests } = await changing(recorder, 'ERASURE_REQUESTED', change, () =>
      files.file(client, [customerId], filing),
    );
    const filed = requests.get(customerId);
    const found = filed ? await this.find(client, filed) : await this.#openFor(client, customerId);
    if (!found) throw unreached();
    noteThings(found.id);
    return found;
  }

  /** Requests the erasure of many customers. @throws {GraphQLError} BAD_USER_INPUT */
  async requestMany(client: string, customerIds: readonly string[], filing: Filing): Promise<BulkFiling> {
    if (customerIds.length > FILING_LIMIT) throw denied.input(`No more than ${FILING_LIMIT} at once.`);
    requireNote(filing);
    const ids = [...new Set(customerIds)].filter((id) => id !== '');
    const { principal, grounds } = filing;
    const details = { grounds, customers: ids.length };
    async function* pages() {
      for (let start = 0; start < ids.length; start += PAGE) yield ids.slice(start, start + PAGE);
    }
    const { filing: files, recorder } = this.#services;
    return changing(recorder, 'ERASURES_REQUESTED', { client, principal, details }, () =>
      fileInBulk(files, client, filing, pages()),
    );
  }

  /**
   * Requests the erasure of everybody who matches the filter, at most FILING_LIMIT in one call.
   * @throws {GraphQLError} BAD_USER_INPUT
   */
  async requestWhere(client: string, criteria: CustomerFilter, filing: Filing): Promise<BulkFiling> {
    requireNote(filing);
    const conditions = filterConditions(criteria);
    if (conditions.length === 0) throw denied.input('"filter" must say whom; to erase everyone, terminate the client.');
    const { principal, grounds } = filing;
    const reader = new TenantReader(await this.#services.regions.of(client), this.#services.keys);
    const pages = pagesOf(async (after) => {
      const behind: Condition[] = after === '' ? [] : [{ field: 'id', is: '>', value: after }];
      const where = [...conditions, notUnderErasure, ...behind];
      const query = { client, fields: ['id'], where, orderBy: [{ field: 'id' }], limit: PAGE };
      return (await reader.select(Customer, query)).map(({ id }) => String(id));
    });
    // People out of reach whom the filter would match are not counted.
    const { filing: files, recorder } = this.#services;
    const change = { client, principal, details: { grounds } };
    const filed = await changing(recorder, 'ERASURES_REQUESTED', change, () =>
      fileInBulk(files, client, filing, pages, FILING_LIMIT),
    );
    return { ...filed, unknown: 0 };
  }

  /**
   * Cancels a request while nothing is destroyed. The person can be read again as before.
   * @param reach whom the caller reaches; requests about others do not exist for the caller
   * @throws {GraphQLError} NOT_FOUND, or CONFLICT once destruction has begun
   */
  async cancel(client: string, id: string, principal: string, reach: Reach = everybody): Promise<ErasureRequestState> {
    const { regions, records, now, recorder, terminationExports } = this.#services;
    const source = await regions.of(client);
    const known = await inTransaction(source, async (manager) => {
      const state = await readRequest(manager, client, id);
      if (!state) throw denied.notFound('erasure request');
      await requireReached(manager, client, state.customerId, reach, 'erasure request');
      return state;
    });
    // Whoever cancelled it may have died before the record was written.
    if (known.status === 'CANCELLED') await records.cancel(client, id, known.completedAt ?? now());
    const change = { client, principal, subject: known.customerId ?? undefined, details: { record: id } };
    const cancel = () =>
      changing(recorder, 'ERASURE_CANCELLED', change, () =>
        inTransaction(source, async (manager) => {
          const taken = await tenantSql(manager, client).change`
          UPDATE erasure_request SET status = 'CANCELLED', completed_at = ${now()} WHERE ${own} AND id = ${id}
          AND pass = 0
          AND status IN ('RECEIVED', 'ON_HOLD', 'ATTENTION_REQUIRED')`;
          const [row] = await tenantSql(manager, client).select<StateRow>`
          SELECT ${stateColumns}, former_restriction FROM erasure_request WHERE ${own} AND id = ${id}`;
          if (!row) throw denied.notFound('erasure request');
          if (taken === 0) throw denied.conflict(`It is ${row.status}: what is destroyed cannot be taken back.`);
          const restricted = (row.former_restriction ?? null) === null ? null : now();
          const { customer_id: customer = null, former_restriction: former = null } = row;
          if (customer !== null && row.categories === null) {
            await tenantSql(manager, client).change`
            UPDATE customer SET restriction = ${former}, restricted_at = ${restricted}
            WHERE ${own} AND id = ${customer} AND restriction = ${UNDER_ERASURE}`;
          }
          await tenantSql(manager, client).change`DELETE FROM job WHERE ${own} AND id = ${id}`;
          if (row.kind === 'CLIENT') await terminationExports?.dismiss(manager, client, id);
          return stateOf(row);
        }),
      );
    return inSteps(async () => {
      const cancelled = await cancel();
      await records.cancel(client, id, now());
      return cancelled;
    });
  }

  async find(client: string, id: string): Promise<ErasureRequestState | undefined> {
    const source = await this.#services.regions.of(client);
    return committed(source, () => readRequest(source, client, id));
  }

  /** Requests of a client, newest first, behind an id. */
  async list(
    client: string,
    filter: ErasureFilter,
    limit: number,
    before: string | undefined,
  ): Promise<ErasureRequestState[]> {
    const source = await this.#services.regions.of(client);
    const { status, dueBefore } = filter;
    const conditions = [
      own,
      ...(before === undefined ? [] : [sql`id < ${before}`]),
      ...(status && status.length > 0 ? [sql`status IN (${status})`] : []),
      ...(dueBefore ? [sql`due_at < ${dueBefore.getTime()}`] : []),
    ];
    const rows = await tenantSql(source, client).select<StateRow>`
      SELECT ${stateColumns} FROM erasure_request WHERE ${joined(conditions, ' AND ')}
      ORDER BY id DESC LIMIT ${limitOf(limit)}`;
    return rows.map(stateOf);
  }

  async steps(client: string, id: string): Promise<Step[]> {
    const source = await this.#services.regions.of(client);
    return committed(source, () => stepsOf(source, client, id));
  }

  /** What is kept for now, why and until when. */
  async retained(state: ErasureRequestState): Promise<Retention[]> {
    if (isFinal(state.status) || state.status === 'RECEIVED') return [];
    const { regions, now } = this.#services;
    const source = await regions.of(state.client);
    if (state.kind === 'CLIENT' || state.customerId === null) return this.#retainedOfClient(state);
    const { customerId } = state;
    const holds = await committed(source, () => holdsInForce(source, state.client, [customerId], now()));
    return (state.categories ?? allCategories).flatMap((category) => {
      const hold = keeper(category, holds);
      return hold ? [{ category, reason: `${hold.matter}: ${hold.reason}`, until: hold.until }] : [];
    });
  }

  async #retainedOfClient({ client, id }: ErasureRequestState): Promise<Retention[]> {
    const record = await this.#services.records.find(client, id);
    return (record?.passes.at(-1)?.retained ?? []).map(({ category, reason, until }) => ({
      category,
      reason,
      until: until === null ? null : new Date(until),
    }));
  }

  recipients(client: string, id: string): Promise<Delivery[]> {
    return this.#services.recipients.told(client, id);
  }

  /** The signed certificate, once there is one; of a request that a termination took over, the termination's. */
  async certificate(client: string, id: string): Promise<string | null> {
    const { records } = this.#services;
    const endedBy = (await this.find(client, id))?.endedBy;
    // One of its own is of what it had erased before.
    const taken = endedBy ? (await records.find(client, endedBy))?.certificate : undefined;
    return taken ?? (await records.find(client, id))?.certificate ?? null;
  }

  /** Whom a request is about and what was noted, while it knows. */
  async subject(client: string, id: string, fields: Iterable<string>): Promise<Row | undefined> {
    const [row] = await new TenantReader(await this.#services.regions.of(client), this.#services.keys).select(
      ErasureRequestRow,
      {
        client,
        fields,
        where: [{ field: 'id', is: '=', value: id }],
      },
    );
    return row;
  }

  async #openFor(client: string, customerId: string): Promise<ErasureRequestState | undefined> {
    const source = await this.#services.regions.of(client);
    const [row] = await tenantSql(source, client).select<StateRow>`
      SELECT ${stateColumns} FROM erasure_request WHERE ${own} AND customer_id = ${customerId}
      AND categories IS NULL
      AND status NOT IN ('CANCELLED', 'COMPLETED') ORDER BY id DESC LIMIT 1`;
    return row && stateOf(row);
  }
}

const notUnderErasure: Condition = {
  any: [
    { field: 'restriction', is: 'null' },
    { field: 'restriction', is: 'not in', value: [UNDER_ERASURE] },
  ],
};

function requireNote({ note }: Filing): void {
  if ((note?.length ?? 0) > 2_000) throw denied.input('"note" is longer than 2000 characters.');
}
