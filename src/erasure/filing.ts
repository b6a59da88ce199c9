import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { DataCategory } from '../governance/vocabulary';
import { placesFor } from '../storage/sql';
import { inTransaction } from '../storage/transaction';
import { everybody, lockPeople, mayAct, type Reach } from '../subjects/reach';
import { UNDER_ERASURE } from '../tenancy/fence';
import { TenantWriter } from '../tenancy/tenant-writer';
import { agreedTerms } from './agreed-terms';
import { erasureDue } from './deadline';
import { type ErasureGrounds, ErasureRequestRow } from './erasure-request';
import type { ErasureParts } from './parts';

export interface Filing {
  readonly principal: string;
  readonly role: string;
  readonly grounds: ErasureGrounds;
  readonly note?: string | null;
  /** Limits the erasure to categories; null erases the person. */
  readonly categories?: readonly DataCategory[] | null;
  /** Milliseconds since 1970 before which nothing is destroyed. */
  readonly notBefore?: number | null;
  /** Whom the caller reaches; everybody, where an operator or the product itself files. */
  readonly reach?: Reach;
  /** Fields of the customer by which the persons were found. */
  readonly foundBy?: readonly string[];
}

/** What became of a page of customers; who is in neither is not there. */
interface FiledPage {
  /** Ids of requests by customer. */
  readonly requests: ReadonlyMap<string, string>;
  /** Who was under erasure already. */
  readonly underErasure: readonly string[];
}

/**
 * Files requests for customers of one client: they are withheld, the requests and their jobs are written in one
 * transaction, and the ledger is told. Persons who are under erasure already, not there, or out of reach, are left out.
 */
export async function fileErasures(
  parts: ErasureParts,
  client: string,
  customerIds: readonly string[],
  filing: Filing,
): Promise<FiledPage> {
  if (customerIds.length === 0) return { requests: new Map(), underErasure: [] };
  const source = await parts.regions.of(client);
  const now = parts.now();
  const { erasureDays } = await agreedTerms(source, client, now);
  const categories = filing.categories ?? null;
  const noted = await whoCanHaveNotes(parts, client, customerIds, filing);
  const { reach = everybody, foundBy } = filing;
  const { filed, underErasure } = await inTransaction(source, async (manager) => {
    const found = await lockPeople(manager, client, customerIds);
    const reached = found.filter((person) => mayAct(reach, person, foundBy));
    const free = reached.filter(({ restriction }) => restriction !== UNDER_ERASURE);
    const underErasure = reached.filter((person) => !free.includes(person)).map(({ subject }) => subject);
    const rows = free.map(({ subject, residency, restriction }) => ({
      id: uuid(),
      kind: 'CUSTOMER',
      customerId: subject,
      note: noted.has(subject) ? filing.note : null,
      grounds: filing.grounds,
      categories: categories?.join(',') ?? null,
      status: 'RECEIVED',
      requestedBy: filing.principal,
      requestedRole: filing.role,
      requestedAt: now,
      notBefore: filing.notBefore ?? null,
      dueAt: erasureDue(now, residency, erasureDays).at,
      formerRestriction: restriction,
      pass: 0,
    }));
    if (rows.length === 0) return { filed: rows, underErasure };
    if (categories === null)
      await withhold(
        manager,
        client,
        rows.map(({ customerId }) => customerId),
        now,
      );
    await new TenantWriter(manager, parts.keys).insert(ErasureRequestRow, client, rows);
    await parts.jobs(source).schedule(
      manager,
      client,
      rows.map(({ id }) => id),
      filing.notBefore ?? now,
    );
    return { filed: rows, underErasure };
  });
  await recordInLedger(parts, client, filed, filing);
  return { requests: new Map(filed.map(({ id, customerId }) => [customerId, id])), underErasure };
}

/** A note is sealed with its person's data; of a person whose key is gone there is none. */
async function whoCanHaveNotes(
  { keys }: ErasureParts,
  client: string,
  customerIds: readonly string[],
  { note }: Filing,
): Promise<ReadonlySet<string>> {
  return new Set(note ? (await keys.subjectKeys(client, customerIds)).keys() : []);
}

async function recordInLedger(
  parts: ErasureParts,
  client: string,
  filed: ReadonlyArray<{ id: string; customerId: string; requestedAt: number; dueAt: number }>,
  { grounds, role, principal, categories = null, notBefore = null }: Filing,
): Promise<void> {
  if (filed.length === 0) return;
  const pseudonym = await parts.ledger.pseudonym(client, principal);
  await parts.ledger.record(
    client,
    filed.map(({ id, customerId, requestedAt, dueAt }) => ({
      id,
      kind: 'CUSTOMER',
      subject: customerId,
      requestedAt,
      request: { grounds, role, pseudonym, dueAt, categories, notBefore },
    })),
  );
}

/** From this moment the persons are read for LEGAL alone, whatever becomes of the job. */
export async function withhold(
  manager: EntityManager,
  client: string,
  ids: readonly string[],
  at: number,
): Promise<void> {
  if (ids.length === 0) return;
  await manager.query(
    `UPDATE customer SET restriction = '${UNDER_ERASURE}', restricted_at = ? WHERE client_id = ? AND id IN (${placesFor(ids)})`,
    [at, client, ...ids],
  );
}
