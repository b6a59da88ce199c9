import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, id, instant, nullable, text } from '../../src/storage/columns';

/** Approvals of transfers with their history, suspensions of legal bases, certifications, and notices to clients. */
export class CreateTransfers1700000000004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'transfer_approval',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('recipient_kind', 20)),
        nullable(text('recipient_id', 36)),
        nullable(text('destination_country', 2)),
        nullable(text('categories', 500)),
        nullable(text('purposes', 200)),
        nullable(text('mechanism', 40)),
        nullable(count('scc_module')),
        nullable(text('assessment', 2000)),
        nullable(text('safeguards', 2000)),
        nullable(text('authorisation', 500)),
        nullable(text('residencies', 1000)),
        nullable(count('named_subjects')),
        nullable(instant('valid_from')),
        nullable(instant('valid_until')),
        nullable(text('requested_by', 100)),
        nullable(instant('requested_at')),
      ],
    });
    await createTable(queryRunner, {
      name: 'transfer_event',
      primaryKey: ['client_id', 'approval_id', 'sequence'],
      columns: [
        id('client_id'),
        id('approval_id'),
        text('sequence', 6),
        nullable(text('action', 20)),
        nullable(text('side', 10)),
        nullable(text('principal', 100)),
        nullable(text('reason', 500)),
        nullable(instant('at')),
      ],
    });
    await createTable(queryRunner, {
      name: 'transfer_subject',
      primaryKey: ['client_id', 'customer_id', 'approval_id'],
      columns: [id('client_id'), id('customer_id'), id('approval_id')],
    });
    await createTable(queryRunner, {
      name: 'client_notice',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('kind', 40)),
        nullable(text('subject', 200)),
        nullable(text('message', 2000)),
        nullable(instant('sent_at')),
      ],
    });
    await createTable(queryRunner, {
      name: 'legal_basis_suspension',
      primaryKey: ['id'],
      columns: [
        id('id'),
        text('basis', 60),
        instant('suspended_from'),
        text('reason', 500),
        text('suspended_by', 100),
        instant('suspended_at'),
        nullable(instant('reinstated_from')),
        nullable(text('reinstated_reason', 500)),
        nullable(text('reinstated_by', 100)),
      ],
    });
    await createTable(queryRunner, {
      name: 'recipient_certification',
      primaryKey: ['id'],
      columns: [
        id('id'),
        text('recipient_kind', 20),
        text('recipient_id', 36),
        text('framework', 40),
        instant('valid_from'),
        nullable(instant('valid_to')),
      ],
      indices: [{ columns: ['recipient_kind', 'recipient_id'] }],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const tables = [
      'recipient_certification',
      'legal_basis_suspension',
      'client_notice',
      'transfer_subject',
      'transfer_event',
      'transfer_approval',
    ];
    for (const table of tables) await queryRunner.dropTable(table, true);
  }
}
