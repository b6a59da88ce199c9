import type { EntityManager } from 'typeorm';

/** `?, ?, ?`: one placeholder for each value. */
export const placesFor = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/**
 * `INSERT INTO t (a, b) VALUES (?, ?), (?, ?)` for a number of rows.
 * @param into its beginning, such as a dialect's `insertIgnore`
 */
export function insertStatement(table: string, columns: readonly string[], rows: number, into = 'INSERT INTO'): string {
  const row = `(${placesFor(columns)})`;
  const names = columns.map((column) => `\`${column}\``).join(', ');
  return `${into} \`${table}\` (${names}) VALUES ${Array<string>(rows).fill(row).join(', ')}`;
}

/** Splits items into chunks of at most `size`. */
export function* chunksOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** Runs a statement that changes rows. @returns how many rows it matched, on every engine */
export async function affectedRows(manager: EntityManager, sql: string, parameters: unknown[]): Promise<number> {
  if (!manager.queryRunner) throw new Error('rows are changed within a transaction');
  const result = await manager.queryRunner.query(sql, parameters, true);
  return result.affected ?? 0;
}
