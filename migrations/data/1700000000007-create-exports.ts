import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, id, instant, nullable, sealed, size, text } from '../../src/storage/columns';

/** Exports of clients, and the sealed pieces that they are kept in. */
export class CreateExports1700000000007 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'client_export',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(id('request_id')),
        nullable(text('status', 20)),
        nullable(text('reason', 40)),
        nullable(text('requested_by', 255)),
        nullable(text('requested_role', 40)),
        nullable(instant('requested_at')),
        nullable(instant('not_before')),
        nullable(instant('begun_at')),
        nullable(instant('ready_at')),
        nullable(instant('collect_by')),
        nullable(instant('collected_at')),
        nullable(instant('removed_at')),
        nullable(size('byte_count')),
        nullable(size('line_count')),
        nullable(sealed('progress')),
      ],
      indices: [{ columns: ['removed_at', 'collect_by'] }],
    });
    await createTable(queryRunner, {
      name: 'export_chunk',
      primaryKey: ['client_id', 'export_id', 'seq'],
      columns: [id('client_id'), id('export_id'), count('seq'), nullable(sealed('content'))],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['export_chunk', 'client_export']) await queryRunner.dropTable(table, true);
  }
}
