import type { MigrationInterface, QueryRunner } from 'typeorm';

const columns = ['key_epoch int NULL', 'key_deleted_at bigint NULL'];

/** The ledger of erasures knows when keys were deleted, and in which epoch: the data may be restored from before. */
export class RecordDeletedKeys1700000000028 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const column of columns) {
      const [name = ''] = column.split(' ');
      // Said in SQL: TypeORM would copy the whole table on SQLite.
      if (!(await queryRunner.hasColumn('erasure_ledger', name)))
        await queryRunner.query(`ALTER TABLE erasure_ledger ADD COLUMN ${column}`);
    }
  }

  /** Refused: erasures that were repeated after a restore would be certified without their epoch. */
  async down(): Promise<void> {
    throw new Error('When keys were deleted cannot be forgotten.');
  }
}
