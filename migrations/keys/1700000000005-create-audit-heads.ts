import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, id, text } from '../../src/storage/columns';

/** How far each log of the audit ledger has come, kept apart from the data: who can rewrite the one has not the other. */
export class CreateAuditHeads1700000000005 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'audit_head',
      primaryKey: ['log_id'],
      columns: [id('log_id'), count('tree_size'), text('checkpoint', 500)],
    });
  }

  /** Refused: a ledger that was cut off could no longer be told from a whole one. */
  async down(): Promise<void> {
    throw new Error("The audit ledger's heads cannot be taken back.");
  }
}
