import type { EntityManager } from 'typeorm';
import type { KeyStore } from '../keys/key-store';
import { UNDER_ERASURE } from '../tenancy/fence';
import type { Row } from '../tenancy/tenant-reader';
import { own, tenantSql } from '../tenancy/tenant-sql';
import type { TenantTable } from '../tenancy/tenant-table';
import type { TableCount } from './progress';

type Verdict = 'rows' | 'underErasure' | 'withoutKey';

/**
 * Filters the rows for an export. People under erasure are left out, and people without a key. De-identified facts that
 * erasure kept (statement D4) belong to nobody and stay in.
 */
export async function filter(
  { manager, keys, client }: { manager: EntityManager; keys: KeyStore; client: string },
  table: TenantTable,
  rows: readonly Row[],
  counted: TableCount,
): Promise<Row[]> {
  const { subject } = table;
  const ids = subject ? [...new Set(rows.flatMap((row) => (row[subject.id] ? [String(row[subject.id])] : [])))] : [];
  const restrictions = subject?.kind === 'CUSTOMER' ? await restrictionsOf(manager, client, ids) : undefined;
  const keyed = await withKeys(keys, client, ids);
  const verdictOn = (row: Row): Verdict => {
    const id = subject && row[subject.id];
    if (!id) return 'rows';
    const hasKey = keyed.has(String(id));
    if (!restrictions) return hasKey ? 'rows' : 'withoutKey';
    const restriction = restrictions.get(String(id));
    // A person without a row but with a key is being erased, or the import has not finished.
    if (restriction === undefined) return hasKey ? 'underErasure' : 'rows';
    if (restriction === UNDER_ERASURE) return 'underErasure';
    return hasKey ? 'rows' : 'withoutKey';
  };
  return rows.filter((row) => {
    const verdict = verdictOn(row);
    counted[verdict]++;
    return verdict === 'rows';
  });
}

/** The restrictions of customers that have a row. */
async function restrictionsOf(
  manager: EntityManager,
  client: string,
  ids: readonly string[],
): Promise<Map<string, string | null>> {
  if (ids.length === 0) return new Map();
  const rows = await tenantSql(manager, client).select<{
    id: string;
    restriction: string | null;
  }>`SELECT id, restriction FROM customer WHERE ${own} AND id IN (${ids})`;
  return new Map(rows.map(({ id, restriction }) => [id, restriction]));
}

async function withKeys(keys: KeyStore, client: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const found = await keys.subjectKeys(client, ids);
  for (const key of found.values()) key.fill(0);
  return new Set(found.keys());
}
