import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { createTable, id, instant, nullable, onEngineOf, text } from '../../src/storage/columns';

const added = [
  ['client_instruction', nullable(text('acts', 200))],
  ['client', nullable(text('representative', 300))],
  ['client', nullable(text('data_protection_officer', 300))],
] as const;

/** Acts that two persons of the platform do together, what an instruction orders, and whom a controller names. */
export class AddProposals1700000000012 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'proposal',
      primaryKey: ['id'],
      columns: [
        id('id'),
        text('act', 30),
        nullable(id('about_client')),
        text('terms', 4000),
        text('state', 20),
        text('proposed_by', 255),
        instant('proposed_at'),
        nullable(text('decided_by', 255)),
        nullable(instant('decided_at')),
        nullable(text('refusal', 500)),
      ],
      indices: [{ columns: ['about_client'] }],
    });
    for (const [table, column] of added) {
      if (await queryRunner.hasColumn(table, column.name)) continue;
      await queryRunner.addColumn(table, new TableColumn(onEngineOf(queryRunner, column)));
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [table, column] of added) await queryRunner.dropColumn(table, column.name);
    await queryRunner.dropTable('proposal', true);
  }
}
