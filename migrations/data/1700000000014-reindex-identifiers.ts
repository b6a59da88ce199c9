import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, id } from '../../src/storage/columns';

/**
 * Identifiers have new canonical forms, so their blind indexes are made again. That takes the keys, which a migration
 * does not have: it notes for which clients it is to be done, and the work after it takes the notes away.
 */
export class ReindexIdentifiers1700000000014 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'identifier_reindex',
      primaryKey: ['client_id'],
      columns: [id('client_id'), id('after_id')],
    });
    await queryRunner.query(
      `INSERT INTO identifier_reindex (client_id, after_id)
       SELECT DISTINCT client_id, '' FROM customer
       WHERE client_id NOT IN (SELECT client_id FROM identifier_reindex)`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('identifier_reindex');
  }
}
