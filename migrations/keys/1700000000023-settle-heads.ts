import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

const unsettled = new TableIndex({ name: 'IDX_audit_head_settled', columnNames: ['settled', 'log_id'] });

/** Heads of logs that have ended need no second look for whether the data is behind the keys. */
export class SettleHeads1700000000023 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Said in SQL: TypeORM would copy the whole table on SQLite.
    if (!(await queryRunner.hasColumn('audit_head', 'settled')))
      await queryRunner.query('ALTER TABLE audit_head ADD COLUMN settled int NOT NULL DEFAULT 0');
    const { indices = [] } = (await queryRunner.getTable('audit_head')) ?? {};
    if (!indices.some(({ name }) => name === unsettled.name)) await queryRunner.createIndex('audit_head', unsettled);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropIndex('audit_head', unsettled);
    await queryRunner.query('ALTER TABLE audit_head DROP COLUMN settled');
  }
}
