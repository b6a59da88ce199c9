import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, id, instant, nullable, sealed } from '../../src/storage/columns';

/** What a person objects to, and what was decided about the person by automated means. */
export class AddProcessing1700000000017 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'automated_decision',
      primaryKey: ['client_id', 'customer_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('id'),
        nullable(instant('made_at')),
        nullable(sealed('sealed_behaviour')),
      ],
    });
    // Said in SQL: TypeORM would copy the whole table on SQLite.
    for (const column of ['objection_mask int', 'last_automated_decision_at bigint']) {
      const [name = ''] = column.split(' ');
      if (await queryRunner.hasColumn('customer', name)) continue;
      await queryRunner.query(`ALTER TABLE customer ADD COLUMN ${column} NULL`);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE customer DROP COLUMN last_automated_decision_at');
    await queryRunner.query('ALTER TABLE customer DROP COLUMN objection_mask');
    await queryRunner.dropTable('automated_decision', true);
  }
}
