import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, id, nullable, text } from '../../src/storage/columns';

/** Blind indexes are made anew when a client's secret is replaced: how far that is, and what writers change meanwhile. */
export class MoveIdentifiers1700000000034 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'identifier_move',
      primaryKey: ['client_id'],
      columns: [id('client_id'), id('secret_id'), nullable(id('next_id')), text('place', 300), count('changed')],
    });
    await createTable(queryRunner, {
      name: 'identifier_turn',
      primaryKey: ['client_id', 'stripe'],
      columns: [id('client_id'), count('stripe'), count('turns')],
    });
  }

  /** Refused: nobody would know any more with which secret rows are found. */
  async down(): Promise<void> {
    throw new Error("With which of a client's secrets its rows are found cannot be forgotten.");
  }
}
