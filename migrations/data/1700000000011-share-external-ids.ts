import { type MigrationInterface, type QueryRunner, TableColumn, TableIndex } from 'typeorm';
import { count, onEngineOf } from '../../src/storage/columns';

const rank = { ...count('external_id_rank'), default: 0 };
const alone = ['client_id', 'external_id_index'];
const ranked = [...alone, rank.name];

/**
 * People may share an external id where the one is withheld from whoever records the other: a conflict would tell. The
 * index still lets two at a time not take one place.
 */
export class ShareExternalIds1700000000011 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    if (!(await queryRunner.hasColumn('customer', rank.name)))
      await queryRunner.addColumn('customer', new TableColumn(onEngineOf(queryRunner, rank)));
    await replaceIndex(queryRunner, alone, ranked);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await replaceIndex(queryRunner, ranked, alone);
    await queryRunner.dropColumn('customer', rank.name);
  }
}

/** The new one comes first: a migration that died midway is run again. */
async function replaceIndex(queryRunner: QueryRunner, from: string[], to: string[]): Promise<void> {
  const indices = (await queryRunner.getTable('customer'))?.indices ?? [];
  const over = (columns: string[]) => indices.find(({ columnNames }) => columnNames.join() === columns.join());
  if (!over(to)) await queryRunner.createIndex('customer', new TableIndex({ columnNames: to, isUnique: true }));
  const old = over(from);
  if (old) await queryRunner.dropIndex('customer', old);
}
