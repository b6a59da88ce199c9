import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, digest, id, instant, nullable, sealed, text } from '../../src/storage/columns';

/** The ledger: logs, each one process's, their entries in the order of their sequence, and hashes kept for proofs. */
export class CreateAudit1700000000005 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'audit_log',
      primaryKey: ['log_id'],
      columns: [id('log_id'), instant('opened_at'), count('settled'), count('pruned')],
    });
    await createTable(queryRunner, {
      name: 'audit_entry',
      primaryKey: ['log_id', 'sequence'],
      columns: [
        id('log_id'),
        count('sequence'),
        id('entry_id'),
        nullable(id('about_client')),
        sealed('body'),
        digest('leaf_hash'),
        nullable(text('checkpoint', 500)),
      ],
      indices: [{ columns: ['entry_id'], unique: true }, { columns: ['about_client', 'entry_id'] }],
    });
    await createTable(queryRunner, {
      name: 'audit_tile',
      primaryKey: ['log_id', 'level', 'tile_index'],
      columns: [id('log_id'), count('level'), count('tile_index'), sealed('hashes')],
    });
    await createTable(queryRunner, {
      name: 'audit_anchor',
      primaryKey: ['log_id', 'tree_size', 'kind'],
      columns: [id('log_id'), count('tree_size'), text('kind', 20), instant('anchored_at'), sealed('receipt')],
    });
  }

  /** Refused: who read what could no longer be shown. */
  async down(): Promise<void> {
    throw new Error('The audit ledger cannot be taken back.');
  }
}
