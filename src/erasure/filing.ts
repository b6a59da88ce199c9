import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { DataCategory } from '../governance/vocabulary';
import { placesFor } from '../storage/affected-rows';
import { UNDER_ERASURE } from '../storage/fence';
import { TenantWriter } from '../storage/tenant-writer';
import { inTransaction } from '../storage/transaction';
import { everybody, lockPeople, mayAct, type Reach } from '../subjects/reach';
import { agreedTerms } from './agreed-terms';
import { erasureDue } from './deadline';
import { type ErasureGrounds, ErasureRequestRow } from './erasure-request';
import { pseudonymOf } from './ledger';
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

/**
 * Files requests for customers of one client: they are withheld, the requests and their jobs are written in one
 * transaction, and the ledger is told. Persons who are under erasure already, not there, or out of reach, are left out.
 * @returns ids of requests by customer
 */
export async function fileErasures(
  parts: ErasureParts,
  client: string,
  customerIds: readonly string[],
  filing: Filing,
): Promise<Map<string, string>> {
  if (customerIds.length === 0) return new Map();
  const source = await parts.regions.of(client);
  const now = parts.now();
  const { erasureDays } = await agreedTerms(source, client, now);
  const categories = filing.categories ?? null;
  const { reach = everybody, foundBy } = filing;
  const filed = await inTransaction(source, async (manager) => {
    const found = await lockPeople(manager, client, customerIds);
    const free = found.filter((person) => person.restriction !== UNDER_ERASURE && mayAct(reach, person, foundBy));
    const rows = free.map(({ subject, residency, restriction }) => ({
      id: uuid(),
      kind: 'CUSTOMER',
      customerId: subject,
      note: filing.note ?? null,
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
    if (rows.length === 0) return rows;
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
    return rows;
  });
  await recordInLedger(parts, client, filed, filing);
  return new Map(filed.map(({ id, customerId }) => [customerId, id]));
}

async function recordInLedger(
  parts: ErasureParts,
  client: string,
  filed: ReadonlyArray<{ id: string; customerId: string; requestedAt: number; dueAt: number }>,
  { grounds, role, principal, categories = null, notBefore = null }: Filing,
): Promise<void> {
  if (filed.length === 0) return;
  const pseudonym = pseudonymOf(await parts.keys.clientKey(client), principal);
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

/** Files an erasure of everyone whose ids a page function gives, page by page. @returns how many were filed */
export async function fileAll(
  parts: ErasureParts,
  client: string,
  filing: Filing,
  pageAfter: (source: DataSource, after: string) => Promise<string[]>,
  limit: number,
): Promise<number> {
  const source = await parts.regions.of(client);
  let filed = 0;
  let after = '';
  while (filed < limit) {
    const ids = await pageAfter(source, after);
    if (ids.length === 0) return filed;
    filed += (await fileErasures(parts, client, ids, filing)).size;
    after = ids.at(-1) ?? after;
  }
  return filed;
}
