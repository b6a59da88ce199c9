import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

/** Finds a client's grants and instructions that are not withdrawn and have not ended, among all that were ever given. */
export class IndexStandingGrants1700000000018 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['purpose_grant', 'client_instruction']) {
      const index = standingIndex(table);
      const known = (await queryRunner.getTable(table))?.indices ?? [];
      if (!known.some(({ name }) => name === index.name)) await queryRunner.createIndex(table, index);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['purpose_grant', 'client_instruction'])
      await queryRunner.dropIndex(table, standingIndex(table));
  }
}

const standingIndex = (table: string) =>
  new TableIndex({ name: `${table}_standing`, columnNames: ['client_id', 'withdrawn_at', 'valid_to'] });
