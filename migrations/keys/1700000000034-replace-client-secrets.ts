import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, id, instant, nullable } from '../../src/storage/columns';

/** A client's secret can be replaced: what is known of each one, and whether the client needs a new node since. */
export class ReplaceClientSecrets1700000000034 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'client_secret',
      primaryKey: ['client_id', 'number'],
      columns: [
        id('client_id'),
        count('number'),
        id('id'),
        instant('used_from'),
        nullable(instant('due_at')),
        nullable(instant('destroyed_at')),
        nullable(count('key_epoch')),
      ],
      indices: [{ columns: ['due_at'] }],
    });
    // Said in SQL: TypeORM would copy the whole table on SQLite.
    if (!(await queryRunner.hasColumn('client_key', 'marked')))
      await queryRunner.query('ALTER TABLE client_key ADD COLUMN marked int NOT NULL DEFAULT 0');
  }

  /** Refused: keys that a destroyed secret gave, such as those of tombstones, would be lost. */
  async down(): Promise<void> {
    throw new Error("The replacement of clients' secrets cannot be taken back: they are stored in another form.");
  }
}
