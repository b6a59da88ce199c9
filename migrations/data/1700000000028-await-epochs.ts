import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

/** When keys were deleted for a request, in which epoch, and when nobody can bring them back any more. */
const columns = ['key_epoch int NULL', 'key_deleted_at bigint NULL', 'final_at bigint NULL'];
const waiting = new TableIndex({
  name: 'IDX_erasure_request_status_key_epoch',
  columnNames: ['status', 'key_epoch'],
});

/** Erasures await the end of the epoch that their keys belonged to, and are found by it. */
export class AwaitEpochs1700000000028 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const column of columns) {
      const [name = ''] = column.split(' ');
      // Said in SQL: TypeORM would copy the whole table on SQLite.
      if (!(await queryRunner.hasColumn('erasure_request', name)))
        await queryRunner.query(`ALTER TABLE erasure_request ADD COLUMN ${column}`);
    }
    const { indices = [] } = (await queryRunner.getTable('erasure_request')) ?? {};
    if (!indices.some(({ name }) => name === waiting.name)) await queryRunner.createIndex('erasure_request', waiting);
  }

  /** Refused: what awaits an epoch would never be completed. */
  async down(): Promise<void> {
    throw new Error('Erasures that await the end of an epoch cannot be taken back.');
  }
}
