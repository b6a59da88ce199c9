import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { createTable, id, instant, nullable, onEngineOf, text } from '../../src/storage/columns';

const added = [nullable(text('privacy_notice_url', 1000)), nullable(text('privacy_notice_text', 8000))] as const;

/** What an application's privacy notice says, and what clients are to be told of changes in the register. */
export class AddAnnouncements1700000000016 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'announcement',
      primaryKey: ['id'],
      columns: [
        id('id'),
        text('kind', 40),
        text('subject', 200),
        text('message', 2000),
        nullable(id('application_id')),
        nullable(text('notice_version', 40)),
        nullable(instant('told_at')),
      ],
      indices: [{ columns: ['told_at'] }],
    });
    for (const column of added) {
      if (await queryRunner.hasColumn('third_party_application', column.name)) continue;
      await queryRunner.addColumn('third_party_application', new TableColumn(onEngineOf(queryRunner, column)));
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const { name } of added) await queryRunner.dropColumn('third_party_application', name);
    await queryRunner.dropTable('announcement', true);
  }
}
