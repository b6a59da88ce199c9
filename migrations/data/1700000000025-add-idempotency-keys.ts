import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, id, instant, nullable, sealed } from '../../src/storage/columns';

/** Which mutations were sent under an idempotency key, and what of them is done. */
export class AddIdempotencyKeys1700000000025 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'idempotency_key',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        id('owner'),
        id('fingerprint'),
        id('attempt'),
        instant('lease_until'),
        instant('created_at'),
        count('stamps'),
        nullable(sealed('done')),
      ],
      indices: [{ columns: ['client_id', 'owner'] }, { columns: ['created_at'] }],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('idempotency_key', true);
  }
}
