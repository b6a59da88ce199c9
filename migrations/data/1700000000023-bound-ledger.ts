import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';
import { count, createTable, id, sealed } from '../../src/storage/columns';

const unsettled = new TableIndex({ name: 'IDX_audit_log_settled', columnNames: ['settled', 'log_id'] });

/** Until when a log's process holds it, and how far the logs before it had come. */
export class BoundLedger1700000000023 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Said in SQL: TypeORM would copy the whole table on SQLite.
    if (!(await queryRunner.hasColumn('audit_log', 'alive_until')))
      await queryRunner.query('ALTER TABLE audit_log ADD COLUMN alive_until bigint NULL');
    const { indices = [] } = (await queryRunner.getTable('audit_log')) ?? {};
    if (!indices.some(({ name }) => name === unsettled.name)) await queryRunner.createIndex('audit_log', unsettled);
    await createTable(queryRunner, {
      name: 'audit_earlier',
      primaryKey: ['log_id', 'part'],
      columns: [id('log_id'), count('part'), sealed('ends')],
    });
  }

  /** Refused: logs that were left out could no longer be told. */
  async down(): Promise<void> {
    throw new Error('What the logs of the audit ledger say of each other cannot be taken back.');
  }
}
