import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, id, instant, nullable, sealed, text } from '../../src/storage/columns';

export class CreateKeyStore1700000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'client_key',
      primaryKey: ['client_id'],
      columns: [
        id('client_id'),
        nullable(sealed('wrapped')),
        text('master_key_id', 100),
        instant('created_at'),
        nullable(instant('destroyed_at')),
      ],
    });
    await createTable(queryRunner, {
      name: 'subject_key',
      primaryKey: ['client_id', 'subject_id'],
      columns: [id('client_id'), id('subject_id'), sealed('wrapped'), instant('created_at')],
    });
  }

  /** Refused: it would erase every person of every client. */
  async down(): Promise<void> {
    throw new Error("The keys' store cannot be taken back: everyone's personal data would be lost with it.");
  }
}
