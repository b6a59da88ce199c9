import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';
import { createTable, instant, nullable, text } from '../../src/storage/columns';

/** What background work looks for, so that it reads none of what is long done. */
const indices: ReadonlyArray<readonly [table: string, columns: string[]]> = [
  ['erasure_request', ['status', 'due_at']],
  ['erasure_request', ['client_id', 'kind']],
  ['disclosure', ['status', 'told_at', 'gag_until']],
  ['webhook_delivery', ['status', 'endpoint_id', 'next_at']],
];

/** Indexes for background work, and the tasks of which one process runs each. */
export class FindDueWork1700000000024 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const [table, columns] of indices) {
      const index = indexOf(table, columns);
      const { indices: present = [] } = (await queryRunner.getTable(table)) ?? {};
      if (!present.some(({ name }) => name === index.name)) await queryRunner.createIndex(table, index);
    }
    await createTable(queryRunner, {
      name: 'background_task',
      primaryKey: ['name'],
      columns: [
        text('name', 60),
        instant('due_at'),
        nullable(instant('held_until')),
        nullable(text('held_by', 36)),
        nullable(instant('done_at')),
        nullable(text('place', 300)),
      ],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('background_task', true);
    for (const [table, columns] of indices) await queryRunner.dropIndex(table, indexOf(table, columns));
  }
}

const indexOf = (table: string, columns: string[]) =>
  new TableIndex({ name: `IDX_${table}_${columns.join('_')}`, columnNames: columns });
