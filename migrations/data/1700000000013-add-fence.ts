import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What every write about a person raises in the person's own row, so that none crosses the person's erasure. */
export class AddFence1700000000013 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    if (await queryRunner.hasColumn('customer', 'revision')) return;
    // Said in SQL: TypeORM would copy the whole table on SQLite.
    await queryRunner.query('ALTER TABLE customer ADD COLUMN revision int NULL');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE customer DROP COLUMN revision');
  }
}
