import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, id, instant, nullable, text } from '../../src/storage/columns';

/** Disclosures to authorities and other parties (statement S4). */
export class CreateDisclosures1700000000006 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'disclosure',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('recipient', 200)),
        nullable(text('authority', 200)),
        nullable(text('authority_country', 2)),
        nullable(text('legal_basis', 300)),
        nullable(text('treaty', 300)),
        nullable(text('reference', 200)),
        nullable(text('scope', 1000)),
        nullable(text('categories', 500)),
        nullable(text('subjects', 5000)),
        nullable(instant('gag_until')),
        nullable(text('status', 20)),
        nullable(text('requested_by', 255)),
        nullable(instant('requested_at')),
        nullable(text('decided_by', 255)),
        nullable(instant('decided_at')),
        nullable(text('refusal', 500)),
        nullable(instant('told_at')),
      ],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('disclosure', true);
  }
}
