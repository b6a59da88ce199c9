import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

const index = new TableIndex({ name: 'customer_by_age', columnNames: ['client_id', 'created_at', 'id'] });

/** Finds a client's people in the order of their creation: retention looks at those alone whose term can have come. */
export class IndexCustomersByAge1700000000033 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const known = (await queryRunner.getTable('customer'))?.indices ?? [];
    if (!known.some(({ name }) => name === index.name)) await queryRunner.createIndex('customer', index);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropIndex('customer', index);
  }
}
