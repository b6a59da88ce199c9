import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { id, nullable, onEngineOf } from '../../src/storage/columns';

/** A token's `sub` may be 255 characters long (OpenID Connect Core, section 2). */
const principals = [
  ['erasure_request', 'requested_by'],
  ['legal_hold', 'placed_by'],
  ['retention_rule', 'set_by'],
] as const;
const endedBy = nullable(id('ended_by'));

/** Principals of any length that a token can name; and which termination took a request over. */
export class AmendErasure1700000000008 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await resize(queryRunner, 255);
    if (await queryRunner.hasColumn('erasure_request', endedBy.name)) return;
    await queryRunner.addColumn('erasure_request', new TableColumn(onEngineOf(queryRunner, endedBy)));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropColumn('erasure_request', endedBy.name);
    await resize(queryRunner, 100);
  }
}

/** SQLite keeps a text of any length; its tables stay as they are. */
async function resize(queryRunner: QueryRunner, length: number): Promise<void> {
  if (queryRunner.dataSource.options.type === 'better-sqlite3') return;
  for (const [table, column] of principals) {
    await queryRunner.query(
      `ALTER TABLE \`${table}\` MODIFY \`${column}\` varchar(${length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL`,
    );
  }
}
