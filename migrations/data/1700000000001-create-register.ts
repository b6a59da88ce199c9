import type { MigrationInterface, QueryRunner } from 'typeorm';
import { count, createTable, digest, id, instant, nullable, sealed, text } from '../../src/storage/columns';

/** Clients and their contracts, third parties, and the records of governance between them. */
export class CreateRegister1700000000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'policy_version',
      primaryKey: ['scope'],
      columns: [id('scope'), count('version')],
    });
    await createTable(queryRunner, {
      name: 'client',
      primaryKey: ['client_id'],
      columns: [
        id('client_id'),
        nullable(text('slug', 60)),
        nullable(text('name', 200)),
        nullable(text('country', 2)),
        nullable(text('region', 2)),
        nullable(instant('created_at')),
      ],
      indices: [{ columns: ['slug'], unique: true }],
    });
    await createTable(queryRunner, {
      name: 'client_user',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(sealed('sealed_name')),
        nullable(sealed('sealed_contact')),
        nullable(digest('email_index')),
        nullable(text('role', 40)),
      ],
      indices: [{ columns: ['client_id', 'email_index'] }],
    });
    await createTable(queryRunner, {
      name: 'agreement',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('kind', 20)),
        nullable(text('version', 40)),
        nullable(instant('effective_from')),
        nullable(instant('effective_to')),
        nullable(text('excluded_purposes', 200)),
        nullable(text('signed_by', 255)),
        nullable(instant('signed_at')),
      ],
    });
    const terms = [
      nullable(text('purpose', 30)),
      nullable(text('categories', 500)),
      nullable(text('reason', 500)),
      nullable(instant('valid_from')),
      nullable(instant('valid_to')),
      nullable(instant('withdrawn_at')),
      nullable(text('withdrawn_reason', 500)),
      nullable(text('given_by', 255)),
    ];
    await createTable(queryRunner, {
      name: 'purpose_grant',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(text('grantee_kind', 20)),
        nullable(text('grantee', 255)),
        ...terms,
      ],
    });
    await createTable(queryRunner, {
      name: 'client_instruction',
      primaryKey: ['client_id', 'id'],
      columns: [id('client_id'), id('id'), nullable(text('principal', 255)), ...terms],
    });
    await createTable(queryRunner, {
      name: 'sub_processor',
      primaryKey: ['id'],
      columns: [
        id('id'),
        text('slug', 60),
        text('name', 200),
        text('service', 500),
        text('country', 2),
        text('purposes', 200),
        text('categories', 500),
        instant('engaged_from'),
        nullable(instant('engaged_to')),
      ],
      indices: [{ columns: ['slug'], unique: true }],
    });
    await createTable(queryRunner, {
      name: 'third_party_application',
      primaryKey: ['id'],
      columns: [
        id('id'),
        text('slug', 60),
        text('name', 200),
        text('publisher', 200),
        text('country', 2),
        text('scopes', 1000),
        text('privacy_notice_version', 40),
      ],
      indices: [{ columns: ['slug'], unique: true }],
    });
    await createTable(queryRunner, {
      name: 'installation',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(id('application_id')),
        nullable(text('accepted_notice_version', 40)),
        nullable(text('installed_by', 255)),
        nullable(instant('installed_at')),
      ],
      indices: [{ columns: ['client_id', 'application_id'], unique: true }],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const tables = [
      'installation',
      'third_party_application',
      'sub_processor',
      'client_instruction',
      'purpose_grant',
      'agreement',
      'client_user',
      'client',
      'policy_version',
    ];
    for (const table of tables) await queryRunner.dropTable(table, true);
  }
}
