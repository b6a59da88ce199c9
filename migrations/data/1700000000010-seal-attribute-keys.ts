import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, digest, id, nullable, sealed, text } from '../../src/storage/columns';

const TABLE = 'customer_attribute';
const PLAIN = 'customer_attribute_plain';

/**
 * A custom attribute's key says something of its person, so it is sealed like the value; a row has an id of its own, and is
 * found by its key's blind index. No migration can seal: rows that are there are set aside, and `remit migrate` seals them
 * once the keys' store is open.
 */
export class SealAttributeKeys1700000000010 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    if (await queryRunner.hasColumn(TABLE, 'key')) {
      const [row] = (await queryRunner.query(`SELECT 1 FROM \`${TABLE}\` LIMIT 1`)) as unknown[];
      if (row === undefined) await queryRunner.dropTable(TABLE);
      else await queryRunner.query(`ALTER TABLE \`${TABLE}\` RENAME TO \`${PLAIN}\``);
    }
    await createTable(queryRunner, {
      name: TABLE,
      primaryKey: ['client_id', 'customer_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('id'),
        nullable(sealed('sealed_behaviour')),
        nullable(digest('key_index')),
      ],
      indices: [{ columns: ['client_id', 'customer_id', 'key_index'], unique: true }],
    });
  }

  /** What is sealed does not come back in plain. */
  async down(queryRunner: QueryRunner): Promise<void> {
    const [row] = (await queryRunner.query(`SELECT 1 FROM \`${TABLE}\` LIMIT 1`)) as unknown[];
    if (row !== undefined) throw new Error('The keys of custom attributes are sealed: restore a backup instead.');
    await queryRunner.dropTable(TABLE);
    if (await queryRunner.hasTable(PLAIN)) {
      await queryRunner.query(`ALTER TABLE \`${PLAIN}\` RENAME TO \`${TABLE}\``);
      return;
    }
    await createTable(queryRunner, {
      name: TABLE,
      primaryKey: ['client_id', 'customer_id', 'key'],
      columns: [id('client_id'), id('customer_id'), text('key', 100), nullable(sealed('sealed_behaviour'))],
    });
  }
}
