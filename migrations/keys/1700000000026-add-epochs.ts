import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';
import { count, createTable, id, instant, nullable, sealed, text } from '../../src/storage/columns';
import { dialectOf } from '../../src/storage/dialect';

const byBucket = new TableIndex({ name: 'IDX_subject_key_client_id_bucket', columnNames: ['client_id', 'bucket'] });

/**
 * Epochs: a hierarchy of keys whose root is replaced. Keys from before are hung into it by src/keys/upgrade.ts, which
 * then drops the columns that it read them from.
 */
export class AddEpochs1700000000026 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'key_epoch',
      primaryKey: ['number'],
      columns: [
        count('number'),
        text('root_id', 200),
        sealed('wrapped'),
        text('state', 12),
        instant('begun_at'),
        nullable(instant('ended_at')),
        nullable(text('backup', 500)),
        nullable(sealed('record')),
        count('clients'),
        nullable(text('lease_holder', 36)),
        instant('lease_until'),
        count('turned_clients'),
        count('turned_buckets'),
        count('turned_subjects'),
        count('turned_destroyed'),
      ],
    });
    await createTable(queryRunner, {
      name: 'bucket_key',
      primaryKey: ['client_id', 'bucket'],
      columns: [
        id('client_id'),
        count('bucket'),
        sealed('wrapped'),
        count('node_generation'),
        count('generation'),
        count('members'),
        count('marked'),
      ],
      indices: [{ columns: ['marked'] }],
    });
    // Said in SQL: TypeORM would copy the whole table on SQLite.
    const { blob } = dialectOf(queryRunner);
    for (const [table, column, type] of [
      ['client_key', 'node', `${blob} NULL`],
      ['client_key', 'node_generation', 'int NOT NULL DEFAULT 0'],
      ['client_key', 'epoch', 'int NOT NULL DEFAULT 0'],
      ['client_key', 'next_node', `${blob} NULL`],
      ['client_key', 'next_generation', 'int NOT NULL DEFAULT 0'],
      ['client_key', 'secret', `${blob} NULL`],
      ['client_key', 'buckets', 'int NOT NULL DEFAULT 0'],
      ['subject_key', 'bucket', 'int NOT NULL DEFAULT 0'],
    ] as const) {
      if (!(await queryRunner.hasColumn(table, column)))
        await queryRunner.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
    }
    const { indices = [] } = (await queryRunner.getTable('subject_key')) ?? {};
    if (!indices.some(({ name }) => name === byBucket.name)) await queryRunner.createIndex('subject_key', byBucket);
  }

  /** Refused: it would erase every person of every client. */
  async down(): Promise<void> {
    throw new Error("The hierarchy of keys cannot be taken back: everyone's personal data would be lost with it.");
  }
}
