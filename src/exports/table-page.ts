import type { EntityClass } from '../storage/entity-class';
import type { Condition } from '../tenancy/conditions';
import type { Row, TenantReader } from '../tenancy/tenant-reader';
import type { TenantTable } from '../tenancy/tenant-table';

export type Position = ReadonlyArray<string | number>;

/**
 * The next rows of a client's table in key order. Each column of the key is one range of the index: first the rest of
 * the last row's group, then the groups after it.
 * @param after values of the key behind the client's id; undefined from the start
 */
export async function pageAfter(
  reader: TenantReader,
  [entity, table]: readonly [EntityClass, TenantTable],
  client: string,
  fields: readonly string[],
  after: Position | undefined,
  limit: number,
): Promise<Row[]> {
  const key = table.key.slice(1);
  const orderBy = key.map((field) => ({ field }));
  const rows: Row[] = [];
  for (const where of after ? ranges(key, after) : [[]]) {
    if (rows.length >= limit) break;
    rows.push(...(await reader.select(entity, { client, fields, where, orderBy, limit: limit - rows.length })));
  }
  return rows;
}

export const keyOf = (table: TenantTable, row: Row): Position =>
  table.key.slice(1).map((property) => row[property] as string | number);

/** Of a key (a, b): a = A and b > B, then a > A. A table whose key is the client's id alone has one row. */
function ranges(key: readonly string[], after: Position): Condition[][] {
  return key
    .map((field, index): Condition[] => [
      ...key.slice(0, index).map((before, place) => ({ field: before, is: '=' as const, value: after[place] ?? '' })),
      { field, is: '>', value: after[index] ?? '' },
    ])
    .reverse();
}
