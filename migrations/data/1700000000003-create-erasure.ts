import { type MigrationInterface, type QueryRunner, TableColumn } from 'typeorm';
import { count, createTable, id, instant, nullable, onEngineOf, sealed, text } from '../../src/storage/columns';

const agreementTerms = [nullable(count('erasure_days')), nullable(count('keeps_deidentified'))];

/** Erasures with their steps, holds, retention and recipients; the jobs that carry them out. */
export class CreateErasure1700000000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'job',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('queue', 30)),
        nullable(instant('run_at')),
        nullable(count('attempts')),
        nullable(text('lease_holder', 36)),
        nullable(instant('lease_until')),
        nullable(text('fault', 100)),
      ],
      indices: [{ columns: ['queue', 'run_at'] }, { columns: ['lease_holder'] }],
    });
    await createTable(queryRunner, {
      name: 'erasure_request',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('kind', 20)),
        nullable(id('customer_id')),
        nullable(sealed('sealed_correspondence')),
        nullable(text('grounds', 30)),
        nullable(text('categories', 300)),
        nullable(text('status', 30)),
        nullable(text('requested_by', 100)),
        nullable(text('requested_role', 40)),
        nullable(instant('requested_at')),
        nullable(instant('not_before')),
        nullable(instant('due_at')),
        nullable(instant('completed_at')),
        nullable(text('former_restriction', 30)),
        nullable(count('pass')),
        nullable(instant('replayed_at')),
        nullable(text('agreement_reference', 200)),
        nullable(text('claims_reason', 30)),
        nullable(instant('claims_until')),
      ],
      indices: [{ columns: ['client_id', 'customer_id'] }, { columns: ['client_id', 'status', 'due_at'] }],
    });
    await createTable(queryRunner, {
      name: 'erasure_step',
      primaryKey: ['client_id', 'request_id', 'seq'],
      columns: [
        id('client_id'),
        id('request_id'),
        count('seq'),
        nullable(text('store', 80)),
        nullable(text('action', 20)),
        nullable(text('categories', 300)),
        nullable(count('row_count')),
        nullable(text('status', 20)),
        nullable(instant('finished_at')),
      ],
    });
    await createTable(queryRunner, {
      name: 'legal_hold',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(id('customer_id')),
        nullable(text('categories', 300)),
        nullable(text('matter', 200)),
        nullable(text('reason', 500)),
        nullable(instant('placed_at')),
        nullable(text('placed_by', 100)),
        nullable(instant('until')),
        nullable(instant('released_at')),
      ],
      indices: [{ columns: ['client_id', 'customer_id'] }],
    });
    await createTable(queryRunner, {
      name: 'retention_rule',
      primaryKey: ['client_id', 'scope'],
      columns: [
        id('client_id'),
        text('scope', 30),
        nullable(count('days')),
        nullable(text('set_by', 100)),
        nullable(instant('set_at')),
      ],
    });
    await createTable(queryRunner, {
      name: 'webhook_endpoint',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('kind', 20)),
        nullable(id('owner_id')),
        nullable(text('url', 1000)),
        nullable(text('secret', 300)),
        nullable(instant('created_at')),
      ],
      indices: [{ columns: ['client_id', 'owner_id'] }],
    });
    await createTable(queryRunner, {
      name: 'webhook_delivery',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('event', 40)),
        nullable(id('reference')),
        nullable(text('recipient_kind', 20)),
        nullable(id('recipient_id')),
        nullable(text('recipient_name', 200)),
        nullable(id('endpoint_client')),
        nullable(id('endpoint_id')),
        nullable(text('status', 20)),
        nullable(count('attempts')),
        nullable(instant('next_at')),
        nullable(text('lease_holder', 36)),
        nullable(text('fault', 60)),
        nullable(instant('notified_at')),
        nullable(instant('acknowledged_at')),
      ],
      indices: [
        { columns: ['status', 'next_at'] },
        { columns: ['client_id', 'reference', 'recipient_id'], unique: true },
      ],
    });
    for (const column of agreementTerms) {
      if (await queryRunner.hasColumn('agreement', column.name)) continue;
      await queryRunner.addColumn('agreement', new TableColumn(onEngineOf(queryRunner, column)));
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const { name } of agreementTerms) await queryRunner.dropColumn('agreement', name);
    const tables = [
      'webhook_delivery',
      'webhook_endpoint',
      'retention_rule',
      'legal_hold',
      'erasure_step',
      'erasure_request',
      'job',
    ];
    for (const table of tables) await queryRunner.dropTable(table, true);
  }
}
