import type { DataSource } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import type { EntityClass } from '../storage/entity-class';
import type { Gap } from './gap';

/** Tables that record migrations, and nothing else. */
const bookkeeping: ReadonlySet<string> = new Set([
  'migrations',
  'migration_lock',
  'typeorm_metadata',
  'identifier_reindex',
]);

/** Finds where a database and the declared entities differ. */
export async function databaseGaps(
  name: string,
  source: DataSource,
  tenants: readonly EntityClass[],
  keyTables: readonly EntityClass[],
): Promise<Gap[]> {
  const live = await liveColumns(source);
  const gaps: Gap[] = [];
  const known = new Map(source.entityMetadatas.map((metadata) => [metadata.tableName, metadata]));
  for (const [table, columns] of live) {
    const metadata = known.get(table);
    const isTenants = tenants.some((entity) => entity === metadata?.target);
    const isKeys = keyTables.some((entity) => entity === metadata?.target);
    const client = columns.find((column) => /(^|_)(client|tenant)_id$/.test(column));
    if (client !== undefined && !isTenants && !isKeys) {
      const fault = `holds a client's id (${client}) in ${name}, but is no declared table of clients`;
      const remedy =
        "declare it by @TenantTable and list it in tenantEntities, so that it goes when its client's data goes";
      gaps.push({ at: table, fault, remedy });
    } else if (!metadata) {
      const remedy = 'declare an entity for it, or drop it in a migration';
      gaps.push({ at: table, fault: `is a table of ${name} that no entity declares`, remedy });
    }
    const declared = new Set(metadata?.columns.map(({ databaseName }) => databaseName) ?? columns);
    for (const column of columns.filter((each) => !declared.has(each))) {
      const fault = `is a column of ${name} without category, purposes, retention and erasure action`;
      const remedy = 'declare it on its entity by @PersonalData or @NonPersonal, or drop it in a migration';
      gaps.push({ at: `${table}.${column}`, fault, remedy });
    }
  }
  return [...gaps, ...missing(name, source, live)];
}

function missing(name: string, source: DataSource, live: ReadonlyMap<string, readonly string[]>): Gap[] {
  const remedy = 'add it in a migration and run remit migrate, or remove it from the entity';
  return source.entityMetadatas.flatMap(({ tableName, columns }) => {
    const there = live.get(tableName);
    if (!there) return [{ at: tableName, fault: `is declared, but no table of ${name}`, remedy }];
    return columns
      .filter(({ databaseName }) => !there.includes(databaseName))
      .map(({ databaseName }) => ({
        at: `${tableName}.${databaseName}`,
        fault: `is declared, but no column of ${name}`,
        remedy,
      }));
  });
}

/** The database's tables and views with their columns. */
async function liveColumns(source: DataSource): Promise<Map<string, string[]>> {
  const live = new Map<string, string[]>();
  for (const { owner, name } of await source.query<Array<{ owner: string; name: string }>>(dialectOf(source).columns)) {
    if (!bookkeeping.has(owner)) live.set(owner, [...(live.get(owner) ?? []), name]);
  }
  return live;
}
