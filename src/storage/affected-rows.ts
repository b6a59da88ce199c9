import type { EntityManager } from 'typeorm';

/** Runs a statement that changes rows, and says how many: matched rows on MySQL, which counts them so here. */
export async function affectedRows(manager: EntityManager, sql: string, parameters: unknown[]): Promise<number> {
  if (!manager.queryRunner) throw new Error('rows are changed within a transaction');
  const result = await manager.queryRunner.query(sql, parameters, true);
  return result.affected ?? 0;
}

/** `?, ?, ?` for so many values. */
export const placesFor = (values: readonly unknown[]): string => values.map(() => '?').join(', ');
