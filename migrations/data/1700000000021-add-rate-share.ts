import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, digest, instant } from '../../src/storage/columns';

/** What processes have leased of the budgets that callers have for a short time, and which processes there are. */
export class AddRateShare1700000000021 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'rate_share',
      primaryKey: ['bucket'],
      columns: [digest('bucket'), instant('window_at'), count('leased')],
      indices: [{ columns: ['window_at'] }],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('rate_share', true);
  }
}
