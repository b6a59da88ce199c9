import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { DataCategory } from '../../governance/vocabulary';
import { type ChangeRecorder, changing } from '../../identity/change-recorder';
import { requireText } from '../../identity/checks';
import { denied } from '../../identity/request-context';
import type { SubjectState } from '../../identity/subject-state';
import type { Jobs } from '../../jobs/jobs';
import type { KeyStore } from '../../keys/key-store';
import { covers, validUntil } from '../../law/validity';
import { decidedChange, decidedRow } from '../../storage/decided-row';
import { listIn } from '../../storage/lists';
import type { Regions } from '../../storage/regions';
import { committed, inTransaction } from '../../storage/transaction';
import { Customer } from '../../subjects/customer';
import {
  everybody,
  type PersonRow,
  personColumns,
  personOf,
  personToActOn,
  type Reach,
  requireReached,
} from '../../subjects/reach';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { LegalHoldRow } from './legal-hold';

export interface LegalHold {
  readonly id: string;
  readonly customerId: string;
  readonly categories: readonly DataCategory[];
  readonly matter: string;
  readonly reason: string;
  readonly placedAt: Date;
  readonly until: Date | null;
  readonly releasedAt: Date | null;
}

interface Row {
  id: string;
  customer_id: string;
  categories: string;
  matter: string;
  reason: string;
  placed_at: number;
  until: number | null;
  released_at: number | null;
}

/** Who acts. Without a reach it is an operator, who reaches everybody. */
interface Actor {
  readonly client: string;
  readonly principal: string;
  readonly reach?: Reach;
}

/** How many people are looked up at once. */
const PAGE = 500;

/** What legal holds need. */
export interface LegalHoldServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly jobs: Jobs;
  readonly now: () => number;
}

/** Legal holds on people. When a hold ends, the erasure that it stopped continues (docs/pitfalls.md, 25). */
export class LegalHolds {
  readonly #services: LegalHoldServices;

  constructor(services: LegalHoldServices) {
    this.#services = services;
  }

  /** @throws {GraphQLError} NOT_FOUND where the client has no such customer, BAD_USER_INPUT */
  async place(
    { client, principal, reach = everybody }: Actor,
    input: {
      customerId: string;
      categories: readonly DataCategory[];
      matter: string;
      reason: string;
      until?: Date | null;
    },
  ): Promise<LegalHold> {
    const { regions, keys, now } = this.#services;
    if (input.categories.length === 0) throw denied.input('"categories" must name what the hold keeps.');
    if (input.until && input.until.getTime() <= now()) throw denied.input('"until" must be in the future.');
    const hold = {
      id: uuid(),
      customerId: input.customerId,
      categories: [...new Set(input.categories)],
      matter: requireText('matter', input.matter, 200),
      reason: requireText('reason', input.reason, 500),
      placedAt: new Date(now()),
      until: input.until ?? null,
      releasedAt: null,
    };
    const source = await regions.of(client);
    const { customerId } = hold;
    const row = { ...hold, placedBy: principal };
    const change = {
      client,
      principal,
      subject: customerId,
      details: { record: hold.id, categories: hold.categories.join(' '), until: hold.until?.toISOString() ?? null },
      decides: [decidedRow(LegalHoldRow, row)],
    };
    await inTransaction(source, (manager) => personToActOn(manager, client, customerId, reach));
    await changing(this.#services.recorder, 'LEGAL_HOLD_PLACED', change, () =>
      inTransaction(source, async (manager) => {
        const writer = new TenantWriter(manager, keys);
        // An erasure of the person waits for this lock and sees the hold, or was there first.
        await writer.enter(Customer, client, [customerId]);
        await personToActOn(manager, client, customerId, reach);
        await writer.insert(LegalHoldRow, client, [row]);
      }),
    );
    return hold;
  }

  /**
   * Releases a hold. Erasures that waited for it continue by themselves.
   * @throws {GraphQLError} NOT_FOUND, or CONFLICT when it was released before
   */
  async release({ client, principal, reach = everybody }: Actor, id: string): Promise<LegalHold> {
    const { regions, jobs, now, recorder } = this.#services;
    const source = await regions.of(client);
    const known = await inTransaction(source, async (manager) => {
      const [row] = await tenantSql(manager, client).select<Row>`SELECT * FROM legal_hold WHERE ${own} AND id = ${id}`;
      if (!row) throw denied.notFound('legal hold');
      await requireReached(manager, client, row.customer_id, reach, 'legal hold');
      return row;
    });
    const changes = { releasedAt: now() };
    const decides = [decidedChange(LegalHoldRow, { id }, changes)];
    const change = { client, principal, subject: known.customer_id, details: { record: id }, decides };
    await changing(recorder, 'LEGAL_HOLD_RELEASED', change, () =>
      inTransaction(source, async (manager) => {
        const changed = await tenantSql(manager, client).change`
          UPDATE legal_hold SET released_at = ${changes.releasedAt} WHERE ${own} AND id = ${id}
          AND released_at IS NULL`;
        if (changed === 0) throw denied.conflict('The hold has been released already.');
        const waiting = await tenantSql(manager, client).select<{
          id: string;
        }>`
          SELECT id FROM erasure_request WHERE ${own} AND customer_id = ${known.customer_id}
          AND status IN ('ON_HOLD', 'PARTIALLY_COMPLETED', 'IN_PROGRESS', 'ATTENTION_REQUIRED')`;
        await jobs.schedule(
          manager,
          client,
          waiting.map((request) => request.id),
          now(),
        );
      }),
    );
    return holdOf({ ...known, released_at: changes.releasedAt });
  }

  /** States of the people whom holds are about, for the decision on reading them. People who are gone are left out. */
  async statesOf(client: string, holds: readonly LegalHold[]): Promise<Map<string, SubjectState>> {
    const source = await this.#services.regions.of(client);
    const ids = [...new Set(holds.map(({ customerId }) => customerId))];
    const states = new Map<string, SubjectState>();
    for (let from = 0; from < ids.length; from += PAGE) {
      const some = ids.slice(from, from + PAGE);
      const rows = await tenantSql(source, client).select<PersonRow>`
        SELECT ${personColumns} FROM customer WHERE ${own} AND id IN (${some})`;
      for (const row of rows) states.set(row.id, personOf(row));
    }
    return states;
  }

  /** Holds of a client or of one person, released ones included unless the filter says otherwise. */
  async list(client: string, filter: { customerId?: string; inForce?: boolean } = {}): Promise<LegalHold[]> {
    const source = await this.#services.regions.of(client);
    const rows = await committed(source, () =>
      filter.customerId === undefined
        ? tenantSql(source, client).select<Row>`SELECT * FROM legal_hold WHERE ${own} ORDER BY id`
        : tenantSql(source, client)
            .select<Row>`SELECT * FROM legal_hold WHERE ${own} AND customer_id = ${filter.customerId} ORDER BY id`,
    );
    return rows.map(holdOf).filter((hold) => !filter.inForce || isInForce(hold, this.#services.now()));
  }
}

/** Holds in force on people. Read them in the transaction that erases. */
export async function holdsInForce(
  manager: DataSource | EntityManager,
  client: string,
  customers: readonly string[],
  at: number,
): Promise<LegalHold[]> {
  if (customers.length === 0) return [];
  const rows = await tenantSql(manager, client)
    .select<Row>`SELECT * FROM legal_hold WHERE ${own} AND customer_id IN (${customers}) ORDER BY id`;
  return rows.map(holdOf).filter((hold) => isInForce(hold, at));
}

/** Holds in force on any person of a client. */
export async function holdsOfClient(
  manager: DataSource | EntityManager,
  client: string,
  at: number,
): Promise<LegalHold[]> {
  const rows = await tenantSql(manager, client).select<Row>`
    SELECT * FROM legal_hold WHERE ${own} AND released_at IS NULL AND (\`until\` IS NULL OR \`until\` > ${at})
    ORDER BY id`;
  return rows.map(holdOf);
}

/** A hold is in force as soon as it is stored, whatever the clock of the replica that placed it said. */
const isInForce = ({ releasedAt, until }: LegalHold, at: number): boolean =>
  releasedAt === null && covers(validUntil(Number.NEGATIVE_INFINITY, until?.getTime()), at);

function holdOf(row: Row): LegalHold {
  const at = (value: number | null) => (value === null ? null : new Date(Number(value)));
  return {
    id: row.id,
    customerId: row.customer_id,
    categories: listIn<DataCategory>(row.categories) ?? [],
    matter: row.matter,
    reason: row.reason,
    placedAt: new Date(Number(row.placed_at)),
    until: at(row.until),
    releasedAt: at(row.released_at),
  };
}
