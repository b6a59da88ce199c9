import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { instant, nullable, onEngineOf, text } from '../../src/storage/columns';

const added = [nullable(text('former_secret', 300)), nullable(instant('former_until'))];

/** The secret that an endpoint had before its own, and until when both sign. */
export class OverlapWebhookSecrets1700000000030 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const column of added) {
      if (await queryRunner.hasColumn('webhook_endpoint', column.name)) continue;
      await queryRunner.addColumn('webhook_endpoint', new TableColumn(onEngineOf(queryRunner, column)));
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const column of added) await queryRunner.dropColumn('webhook_endpoint', column.name);
  }
}
