import type { MigrationInterface, QueryRunner } from 'typeorm';

const columns = ['root_place varchar(22) NULL', 'next_root_id varchar(200) NULL'];

/** An epoch knows where its root is while roots move, and which root was made for the next one. */
export class RememberRoots1700000000036 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const column of columns) {
      const [name = ''] = column.split(' ');
      if (!(await queryRunner.hasColumn('key_epoch', name)))
        await queryRunner.query(`ALTER TABLE key_epoch ADD COLUMN ${column}`);
    }
  }

  /** Refused: a root that moves could be taken for destroyed where it lives on. */
  async down(): Promise<void> {
    throw new Error('Where roots are cannot be forgotten.');
  }
}
