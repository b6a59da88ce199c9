import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, digest, id, instant, nullable, sealed, text } from '../../src/storage/columns';

/**
 * The ledger of erasures stands beside the keys: a backup of the data that is put back takes neither the keys' nor the
 * ledger's word away (pitfalls 25 and 26).
 */
export class CreateErasureLedger1700000000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'erasure_ledger',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        text('kind', 20),
        nullable(sealed('sealed_subject')),
        nullable(digest('subject_digest')),
        sealed('request'),
        instant('requested_at'),
        nullable(sealed('plan')),
        nullable(instant('planned_at')),
        nullable(sealed('outcome')),
        nullable(instant('completed_at')),
        nullable(sealed('certificate')),
        nullable(instant('cancelled_at')),
        nullable(instant('replayed_at')),
      ],
      indices: [{ columns: ['client_id', 'subject_digest'] }, { columns: ['requested_at'] }],
    });
    await createTable(queryRunner, {
      name: 'erasure_tombstone',
      primaryKey: ['client_id', 'digest'],
      columns: [id('client_id'), digest('digest'), text('kind', 20), id('request_id'), instant('created_at')],
      indices: [{ columns: ['client_id', 'request_id'] }],
    });
    await createTable(queryRunner, {
      name: 'signing_key',
      primaryKey: ['id'],
      columns: [text('id', 64), text('public_key', 300), sealed('sealed_private'), instant('created_at')],
    });
  }

  /** Refused: without the ledger a restored backup would bring erased people back. */
  async down(): Promise<void> {
    throw new Error('The ledger of erasures cannot be taken back: a restored backup could not be erased again.');
  }
}
