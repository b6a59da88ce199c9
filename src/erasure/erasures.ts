import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { DataCategory } from '../governance/vocabulary';
import { changing } from '../identity/change-recorder';
import { denied } from '../identity/request-context';
import type { Delivery } from '../register/webhooks/webhooks';
import { affectedRows } from '../storage/sql';
import { committed, inTransaction } from '../storage/transaction';
import { Customer } from '../subjects/customer';
import { filterConditions } from '../subjects/customer-filter';
import type { CustomerFilter } from '../subjects/customer-inputs';
import { everybody, lockPeople, mayAct, type Reach, requireReached, unreached } from '../subjects/reach';
import { UNDER_ERASURE } from '../tenancy/fence';
import { conditionText, type Row, TenantReader } from '../tenancy/tenant-reader';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { type BulkFiling, customerPages, fileInBulk } from './bulk-filing';
import { STATEMENT_DAYS } from './deadline';
import { ErasureRequestRow, type ErasureStatus } from './erasure-request';
import { type Filing, fileErasures } from './filing';
import { holdsInForce } from './holds';
import type { ErasureParts, TerminationFiled } from './parts';
import { type ErasureState, isFinal, readState, type StateRow, stateColumns, stateOf } from './requests';
import { everyCategory, keeper } from './retained';
import { type Step, stepsOf } from './steps';

/** The most requests that one call files. */
const FILING_LIMIT = 50_000;
const PAGE = 500;
/** The least time that an export before a client's end needs to be made and collected. */
const EXPORT_DAYS = 14;
const DAY_MS = 86_400_000;

export interface ErasureFilter {
  readonly status?: readonly ErasureStatus[] | null;
  readonly dueBefore?: Date | null;
}

export interface Retention {
  readonly category: DataCategory;
  readonly reason: string;
  readonly until: Date | null;
}

export interface Termination {
  readonly clientId: string;
  readonly effectiveOn: Date;
  readonly retainUntil?: Date | null;
  readonly agreementReference?: string | null;
  readonly claimsReason?: string | null;
  readonly claimsUntil?: Date | null;
  /** Nothing is destroyed until an export of everything was collected, or its term has passed. */
  readonly exportFirst?: boolean;
}

/** Requests of erasure: filed, taken back, looked at. What carries them out is the saga. */
export class Erasures {
  readonly parts: ErasureParts;

  constructor(parts: ErasureParts) {
    this.parts = parts;
  }

  /**
   * Files the erasure of one customer; where one is under way already, that is the answer.
   * @throws {GraphQLError} NOT_FOUND, BAD_USER_INPUT
   */
  async request(client: string, customerId: string, filing: Filing): Promise<ErasureState> {
    requireNote(filing);
    const { principal, grounds, reach = everybody } = filing;
    const source = await this.parts.regions.of(client);
    const [person] = await inTransaction(source, (manager) => lockPeople(manager, client, [customerId]));
    if (person && !mayAct(reach, person)) throw unreached();
    const open = await this.#openFor(client, customerId);
    if (!person && !open) throw unreached();
    await this.parts.recorder.record('ERASURE_REQUESTED', {
      client,
      principal,
      subject: customerId,
      details: { grounds },
    });
    const filed = (await fileErasures(this.parts, client, [customerId], filing)).requests.get(customerId);
    const found = filed ? await this.find(client, filed) : await this.#openFor(client, customerId);
    if (!found) throw unreached();
    return found;
  }

  /** Files the erasure of many, and says what became of each. @throws {GraphQLError} BAD_USER_INPUT */
  async requestMany(client: string, customerIds: readonly string[], filing: Filing): Promise<BulkFiling> {
    if (customerIds.length > FILING_LIMIT) throw denied.input(`No more than ${FILING_LIMIT} at once.`);
    requireNote(filing);
    const ids = [...new Set(customerIds)].filter((id) => id !== '');
    const { principal, grounds } = filing;
    const details = { grounds, customers: ids.length };
    await this.parts.recorder.record('ERASURES_REQUESTED', { client, principal, details });
    async function* pages() {
      for (let start = 0; start < ids.length; start += PAGE) yield ids.slice(start, start + PAGE);
    }
    return fileInBulk(this.parts, client, filing, pages());
  }

  /**
   * Files the erasure of everyone who meets the criteria, FILING_LIMIT at most in one call.
   * @throws {GraphQLError} BAD_USER_INPUT
   */
  async requestWhere(client: string, criteria: CustomerFilter, filing: Filing): Promise<BulkFiling> {
    requireNote(filing);
    const conditions = filterConditions(criteria).map((condition) => conditionText(tableOf(Customer), condition));
    if (conditions.length === 0) throw denied.input('"filter" must say whom; to erase everyone, terminate the client.');
    const { principal, grounds } = filing;
    await this.parts.recorder.record('ERASURES_REQUESTED', { client, principal, details: { grounds } });
    const where = conditions.map(({ text }) => ` AND ${text}`).join('');
    const from = `FROM customer c WHERE c.client_id = ?${where}
      AND (c.restriction IS NULL OR c.restriction <> '${UNDER_ERASURE}')`;
    const parameters = [client, ...conditions.flatMap(({ parameters }) => parameters)];
    const pages = customerPages(await this.parts.regions.of(client), from, parameters);
    // A filter names nobody: whom it would meet out of reach is not counted either.
    return { ...(await fileInBulk(this.parts, client, filing, pages, FILING_LIMIT)), unknown: 0 };
  }

  /**
   * Takes a request back while nothing is destroyed; the person is read again as before.
   * @param reach whom the caller reaches; a request about anybody else does not exist
   * @throws {GraphQLError} NOT_FOUND, or CONFLICT once destruction has begun
   */
  async cancel(client: string, id: string, principal: string, reach: Reach = everybody): Promise<ErasureState> {
    const { regions, ledger, now, recorder } = this.parts;
    const source = await regions.of(client);
    const known = await inTransaction(source, async (manager) => {
      const state = await readState(manager, client, id);
      if (!state) throw denied.notFound('erasure request');
      await requireReached(manager, client, state.customerId, reach, 'erasure request');
      return state;
    });
    const change = { client, principal, subject: known.customerId ?? undefined, details: { record: id } };
    const cancelled = await changing(recorder, 'ERASURE_CANCELLED', change, () =>
      inTransaction(source, async (manager) => {
        const taken = await affectedRows(
          manager,
          `UPDATE erasure_request SET status = 'CANCELLED', completed_at = ? WHERE client_id = ? AND id = ? AND pass = 0
           AND status IN ('RECEIVED', 'ON_HOLD', 'ATTENTION_REQUIRED')`,
          [now(), client, id],
        );
        const [row] = await manager.query<StateRow[]>(
          `SELECT ${stateColumns}, former_restriction FROM erasure_request WHERE client_id = ? AND id = ?`,
          [client, id],
        );
        if (!row) throw denied.notFound('erasure request');
        if (taken === 0) throw denied.conflict(`It is ${row.status}: what is destroyed cannot be taken back.`);
        const restricted = row.former_restriction === null ? null : now();
        if (row.customer_id !== null && row.categories === null) {
          await manager.query(
            `UPDATE customer SET restriction = ?, restricted_at = ? WHERE client_id = ? AND id = ? AND restriction = ?`,
            [row.former_restriction, restricted, client, row.customer_id, UNDER_ERASURE],
          );
        }
        await manager.query('DELETE FROM job WHERE client_id = ? AND id = ?', [client, id]);
        if (row.kind === 'CLIENT') await this.parts.exports?.dismiss(manager, client, id);
        return stateOf(row);
      }),
    );
    await ledger.cancel(client, id, now());
    return cancelled;
  }

  /**
   * Ends a client: everything of it is erased within 90 days of the end of the agreement, or later where that was agreed.
   * @throws {GraphQLError} BAD_USER_INPUT, CONFLICT where it is under way
   */
  async terminate(input: Termination, by: { principal: string; role: string }): Promise<ErasureState> {
    const { regions, keys, ledger, jobs, now } = this.parts;
    const client = input.clientId;
    this.requireTerms(input);
    const source = await regions.of(client);
    const at = now();
    const due = dueOf(input);
    const id = uuid();
    const exportAt = Math.max(at, input.effectiveOn.getTime());
    const row = {
      id,
      kind: 'CLIENT',
      customerId: null,
      grounds: 'CLIENT_INSTRUCTION',
      status: 'RECEIVED',
      requestedBy: by.principal,
      requestedRole: by.role,
      requestedAt: at,
      notBefore: input.retainUntil ?? input.effectiveOn,
      dueAt: due,
      pass: 0,
      agreementReference: input.agreementReference ?? null,
      claimsReason: input.claimsReason ?? null,
      claimsUntil: input.claimsUntil ?? null,
    };
    const details = { record: id, role: by.role, exportFirst: input.exportFirst ?? false };
    await changing(this.parts.recorder, 'CLIENT_TERMINATED', { client, principal: by.principal, details }, () =>
      inTransaction(source, async (manager) => {
        const [open] = await manager.query<unknown[]>(
          `SELECT id FROM erasure_request WHERE client_id = ? AND kind = 'CLIENT' AND status NOT IN ('CANCELLED', 'COMPLETED')`,
          [client],
        );
        if (open) throw denied.conflict('The client is being terminated already.');
        await new TenantWriter(manager, keys).insert(ErasureRequestRow, client, [row]);
        await jobs(source).schedule(manager, client, [id], Math.max(at, row.notBefore.getTime()));
        if (input.exportFirst) await this.#fileExport(manager, { client, request: id, by, at, notBefore: exportAt });
      }),
    );
    const pseudonym = await ledger.pseudonym(client, by.principal);
    const request = {
      grounds: row.grounds,
      role: by.role,
      pseudonym,
      dueAt: due,
      categories: null,
      notBefore: row.notBefore.getTime(),
      ...(input.exportFirst ? { exportAt } : {}),
    };
    await ledger.record(client, [{ id: row.id, kind: 'CLIENT', subject: null, requestedAt: at, request }]);
    const state = await this.find(client, row.id);
    if (!state) throw denied.notFound('erasure request');
    return state;
  }

  /** @throws {GraphQLError} BAD_USER_INPUT where a client cannot be ended on these terms */
  requireTerms(input: Termination): void {
    if (input.retainUntil && input.retainUntil < input.effectiveOn) {
      throw denied.input('"retainUntil" must not be before "effectiveOn".');
    }
    if (input.retainUntil && !input.agreementReference?.trim()) {
      throw denied.input('"agreementReference" must name the agreement by which data stays longer (D1).');
    }
    if ((input.claimsReason === undefined || input.claimsReason === null) !== !input.claimsUntil) {
      throw denied.input('Client users are kept for a reason and until a day: say both, or neither (D5).');
    }
    if (input.exportFirst && dueOf(input) - this.parts.now() < EXPORT_DAYS * DAY_MS) {
      throw denied.input(
        `"exportFirst" comes too late: everything must be gone within ${EXPORT_DAYS} days. Collect an export, then terminate.`,
      );
    }
  }

  async find(client: string, id: string): Promise<ErasureState | undefined> {
    const source = await this.parts.regions.of(client);
    return committed(source, () => readState(source, client, id));
  }

  /** Requests of a client, newest first, from before an id. */
  async list(
    client: string,
    filter: ErasureFilter,
    limit: number,
    before: string | undefined,
  ): Promise<ErasureState[]> {
    const source = await this.parts.regions.of(client);
    const parts: string[] = [];
    const values: Array<string | number> = [];
    if (before !== undefined) {
      parts.push(' AND id < ?');
      values.push(before);
    }
    if (filter.status && filter.status.length > 0) {
      parts.push(` AND status IN (${filter.status.map(() => '?').join(', ')})`);
      values.push(...filter.status);
    }
    if (filter.dueBefore) {
      parts.push(' AND due_at < ?');
      values.push(filter.dueBefore.getTime());
    }
    const rows = await committed(source, () =>
      source.query<StateRow[]>(
        `SELECT ${stateColumns} FROM erasure_request WHERE client_id = ?${parts.join('')} ORDER BY id DESC LIMIT ${limit}`,
        [client, ...values],
      ),
    );
    return rows.map(stateOf);
  }

  async steps(client: string, id: string): Promise<Step[]> {
    const source = await this.parts.regions.of(client);
    return committed(source, () => stepsOf(source, client, id));
  }

  /** What is kept for now, why and until when. */
  async retained(state: ErasureState): Promise<Retention[]> {
    if (isFinal(state.status) || state.status === 'RECEIVED') return [];
    const { regions, now } = this.parts;
    const source = await regions.of(state.client);
    if (state.kind === 'CLIENT' || state.customerId === null) return this.#retainedOfClient(state);
    const { customerId } = state;
    const holds = await committed(source, () => holdsInForce(source, state.client, [customerId], now()));
    return (state.categories ?? everyCategory).flatMap((category) => {
      const hold = keeper(category, holds);
      return hold ? [{ category, reason: `${hold.matter}: ${hold.reason}`, until: hold.until }] : [];
    });
  }

  async #retainedOfClient({ client, id }: ErasureState): Promise<Retention[]> {
    const entry = await this.parts.ledger.find(client, id);
    return (entry?.passes.at(-1)?.retained ?? []).map(({ category, reason, until }) => ({
      category,
      reason,
      until: until === null ? null : new Date(until),
    }));
  }

  recipients(client: string, id: string): Promise<Delivery[]> {
    return this.parts.recipients.told(client, id);
  }

  /** The signed certificate, once there is one; of a request that a termination took over, the termination's. */
  async certificate(client: string, id: string): Promise<string | null> {
    const { ledger } = this.parts;
    const own = (await ledger.find(client, id))?.certificate;
    if (own) return own;
    const endedBy = (await this.find(client, id))?.endedBy;
    return (endedBy && (await ledger.find(client, endedBy))?.certificate) || null;
  }

  /** Whom a request is about and what was noted, while it knows. */
  async subject(client: string, id: string, fields: Iterable<string>): Promise<Row | undefined> {
    const [row] = await new TenantReader(await this.parts.regions.of(client), this.parts.keys).select(
      ErasureRequestRow,
      {
        client,
        fields,
        where: [{ field: 'id', is: '=', value: id }],
      },
    );
    return row;
  }

  async #fileExport(manager: EntityManager, end: TerminationFiled): Promise<void> {
    const { exports, jobs, regions } = this.parts;
    if (!exports) throw new Error('there is no room of exports');
    const id = await exports.file(manager, end);
    await jobs(await regions.of(end.client)).schedule(manager, end.client, [id], end.notBefore);
  }

  async #openFor(client: string, customerId: string): Promise<ErasureState | undefined> {
    const source = await this.parts.regions.of(client);
    const [row] = await committed(source, () =>
      source.query<StateRow[]>(
        `SELECT ${stateColumns} FROM erasure_request WHERE client_id = ? AND customer_id = ? AND categories IS NULL
         AND status NOT IN ('CANCELLED', 'COMPLETED') ORDER BY id DESC LIMIT 1`,
        [client, customerId],
      ),
    );
    return row && stateOf(row);
  }
}

function requireNote({ note }: Filing): void {
  if ((note?.length ?? 0) > 2_000) throw denied.input('"note" is longer than 2000 characters.');
}

const dueOf = ({ retainUntil, effectiveOn }: Termination): number =>
  retainUntil?.getTime() ?? effectiveOn.getTime() + STATEMENT_DAYS * DAY_MS;
