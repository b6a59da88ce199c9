import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

const came = ['customer', 'purchase_order', 'order_item', 'conversation', 'message'];
/** Rows that were found by nothing but their own ids. */
const named = ['conversation', 'message'];

/** Which import a row came with (statement C2), and correspondence by its id in the client's own system. */
export class AddImport1700000000015 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const table of came) await addColumn(queryRunner, table, 'import_id', 36);
    for (const table of named) {
      await addColumn(queryRunner, table, 'external_id_index', 43);
      const index = indexOf(table);
      const { indices = [] } = (await queryRunner.getTable(table)) ?? {};
      if (!indices.some(({ name }) => name === index.name)) await queryRunner.createIndex(table, index);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of named) {
      await queryRunner.dropIndex(table, indexOf(table));
      await queryRunner.query(`ALTER TABLE ${table} DROP COLUMN external_id_index`);
    }
    for (const table of came) await queryRunner.query(`ALTER TABLE ${table} DROP COLUMN import_id`);
  }
}

const indexOf = (table: string) =>
  new TableIndex({
    name: `IDX_${table}_external_id`,
    columnNames: ['client_id', 'external_id_index'],
    isUnique: true,
  });

/** Said in SQL: TypeORM would copy the whole table on SQLite. */
async function addColumn(queryRunner: QueryRunner, table: string, column: string, length: number): Promise<void> {
  if (await queryRunner.hasColumn(table, column)) return;
  const letters =
    queryRunner.dataSource.options.type === 'better-sqlite3' ? '' : ' CHARACTER SET ascii COLLATE ascii_bin';
  await queryRunner.query(`ALTER TABLE ${table} ADD COLUMN ${column} varchar(${length})${letters} NULL`);
}
