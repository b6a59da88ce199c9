import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, id, instant, nullable, sealed, text } from '../../src/storage/columns';

/** Keys that are replaced by newer ones from time to time: one row a key, the newest has the highest number. */
export class RotateKeys1700000000029 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'rotating_key',
      primaryKey: ['used_for', 'number'],
      columns: [
        text('used_for', 20),
        count('number'),
        text('id', 64),
        nullable(text('public_key', 300)),
        nullable(sealed('sealed_secret')),
        nullable(id('sealed_by')),
        nullable(text('statement', 1000)),
        instant('created_at'),
        instant('used_from'),
        nullable(instant('destroyed_at')),
      ],
    });
    if (!(await queryRunner.hasTable('signing_key'))) return;
    // All processes have used the key with the first id.
    const [old] = await queryRunner.query('SELECT * FROM signing_key ORDER BY id LIMIT 1');
    const [moved] = await queryRunner.query("SELECT id FROM rotating_key WHERE used_for = 'certificates' LIMIT 1");
    if (old && !moved) {
      await queryRunner.query(
        `INSERT INTO rotating_key (used_for, number, id, public_key, sealed_secret, created_at, used_from)
         VALUES ('certificates', 1, ?, ?, ?, ?, ?)`,
        [old.id, old.public_key, old.sealed_private, old.created_at, old.created_at],
      );
    }
    await queryRunner.dropTable('signing_key');
  }

  /** Refused: certificates and checkpoints could no longer be verified. */
  async down(): Promise<void> {
    throw new Error('The history of keys cannot be taken back: what they signed could no longer be verified.');
  }
}
