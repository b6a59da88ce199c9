import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

const TABLE = 'transfer_approval';
const indices: ReadonlyArray<readonly [table: string, index: TableIndex]> = [
  [TABLE, new TableIndex({ name: `${TABLE}_standing`, columnNames: ['client_id', 'ended_at', 'valid_until'] })],
  // The people whom an approval names, among those of all.
  [
    'transfer_subject',
    new TableIndex({ name: 'transfer_subject_approval', columnNames: ['client_id', 'approval_id'] }),
  ],
];
/** Acts that are read by one statement. */
const PAGE = 200;

/** Finds a client's approvals that were neither rejected nor revoked and have not ended, among all ever asked for. */
export class IndexStandingApprovals1700000000032 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Said in SQL: TypeORM would copy the whole table on SQLite.
    if (!(await queryRunner.hasColumn(TABLE, 'ended_at')))
      await queryRunner.query(`ALTER TABLE ${TABLE} ADD COLUMN ended_at bigint NULL`);
    await markEnded(queryRunner);
    for (const [table, index] of indices) {
      const { indices: present = [] } = (await queryRunner.getTable(table)) ?? {};
      if (!present.some(({ name }) => name === index.name)) await queryRunner.createIndex(table, index);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [table, index] of indices) await queryRunner.dropIndex(table, index);
    await queryRunner.query(`ALTER TABLE ${TABLE} DROP COLUMN ended_at`);
  }
}

interface End {
  readonly client_id: string;
  readonly approval_id: string;
  readonly at: number;
}

/** What an officer rejected or revoked has ended, at the time of that act. */
async function markEnded(queryRunner: QueryRunner): Promise<void> {
  for (let [client, approval] = ['', '']; ; ) {
    const ends: End[] = await queryRunner.query(
      `SELECT client_id, approval_id, at FROM transfer_event
       WHERE action IN ('REJECTED', 'REVOKED') AND (client_id > ? OR (client_id = ? AND approval_id > ?))
       ORDER BY client_id, approval_id LIMIT ${PAGE}`,
      [client, client, approval],
    );
    for (const { client_id: of, approval_id: id, at } of ends)
      await queryRunner.query(`UPDATE ${TABLE} SET ended_at = ? WHERE client_id = ? AND id = ?`, [at, of, id]);
    const last = ends.at(-1);
    if (!last || ends.length < PAGE) return;
    [client, approval] = [last.client_id, last.approval_id];
  }
}
