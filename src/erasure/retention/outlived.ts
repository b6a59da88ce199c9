import type { DataCategory } from '../../governance/vocabulary';
import { snakeCase } from '../../storage/entity-class';
import { UNDER_ERASURE } from '../../tenancy/fence';
import { joined, name, nothing, ownOf, type Sql, sql } from '../../tenancy/tenant-sql';
import type { TenantTable } from '../../tenancy/tenant-table';
import { categoriesOf, tablesAbout } from '../execution/plan';

/**
 * People without activity since the cutoff who have data of the category, or of any.
 * @returns `FROM customer c WHERE …`
 */
export function outlived(allTables: readonly TenantTable[], category: DataCategory | null, cutoff: number): Sql {
  const tables = tablesAbout(allTables, 'CUSTOMER').filter(({ name: table }) => !ownTables.has(table));
  const others = tables.filter(({ name: table }) => table !== 'customer');
  const lively = others.flatMap((table) =>
    instantsOf(table).map(
      (column) =>
        sql`
          AND NOT EXISTS (SELECT 1 FROM ${name(table.name)} t WHERE ${ofCustomer(table)}
          AND t.${name(column)} >= ${cutoff})`,
    ),
  );
  const held = category === null ? [] : holding(tables, category);
  const has = category === null ? nothing : sql`AND (${held.length > 0 ? joined(held, ' OR ') : sql`1 = 0`})`;
  return sql`
    FROM customer c WHERE ${ownOf('c')} AND (c.restriction IS NULL OR c.restriction <> ${UNDER_ERASURE})
    AND c.created_at < ${cutoff} ${joined(lively, ' ')} ${has}
    ${category === null ? nothing : unrequested(category)}`;
}

function holding(tables: readonly TenantTable[], category: DataCategory): Sql[] {
  return tables.flatMap((table) => {
    if (!categoriesOf(table).includes(category)) return [];
    if (table.name !== 'customer')
      return [sql`EXISTS (SELECT 1 FROM ${name(table.name)} t WHERE ${ofCustomer(table)})`];
    const column = table.sealed.get(category)?.column;
    return column ? [sql`c.${name(column)} IS NOT NULL`] : [];
  });
}

/** Rows in erasure's own tables are no activity. */
const ownTables = new Set(['erasure_request', 'legal_hold']);

const unrequested = (category: DataCategory): Sql => sql`
  AND NOT EXISTS (SELECT 1 FROM erasure_request r
  WHERE r.client_id = c.client_id AND r.customer_id = c.id AND r.categories = ${category}
  AND r.status NOT IN ('CANCELLED', 'COMPLETED'))`;

const ofCustomer = (table: TenantTable): Sql =>
  sql`t.client_id = c.client_id AND t.${name(snakeCase(table.subject?.id ?? 'customerId'))} = c.id`;

/** Columns with the time of an activity. */
const instantsOf = (table: TenantTable): string[] =>
  [...table.fields.values()].flatMap(({ property, personal, stored }) =>
    personal && 'plain' in stored && stored.plain === 'instant' ? [snakeCase(property)] : [],
  );
