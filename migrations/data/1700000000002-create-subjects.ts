import type { MigrationInterface, QueryRunner } from 'typeorm';
import { amount, count, createTable, digest, id, instant, nullable, sealed, text } from '../../src/storage/columns';

/**
 * Customers and what is known of them. Keys begin with the client and then the person: rows of one person lie together,
 * and are erased together.
 */
export class CreateSubjects1700000000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'customer',
      primaryKey: ['client_id', 'id'],
      columns: [
        id('client_id'),
        id('id'),
        nullable(sealed('sealed_name')),
        nullable(sealed('sealed_contact')),
        nullable(sealed('sealed_online_identifier')),
        nullable(sealed('sealed_demographic')),
        nullable(digest('email_index')),
        nullable(digest('phone_index')),
        nullable(digest('social_handle_index')),
        nullable(digest('external_id_index')),
        nullable(text('residency', 2)),
        nullable(text('source', 255)),
        nullable(instant('created_at')),
        nullable(text('restriction', 30)),
        nullable(instant('restricted_at')),
      ],
      indices: [
        { columns: ['client_id', 'email_index'] },
        { columns: ['client_id', 'phone_index'] },
        { columns: ['client_id', 'social_handle_index'] },
        { columns: ['client_id', 'external_id_index'], unique: true },
        { columns: ['client_id', 'residency', 'id'] },
      ],
    });
    await createTable(queryRunner, {
      name: 'purchase_order',
      primaryKey: ['client_id', 'customer_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('id'),
        nullable(instant('placed_at')),
        nullable(text('currency', 3)),
        nullable(amount('total')),
        nullable(text('status', 40)),
        nullable(sealed('sealed_commerce')),
        nullable(digest('external_id_index')),
      ],
      indices: [{ columns: ['client_id', 'external_id_index'], unique: true }],
    });
    await createTable(queryRunner, {
      name: 'order_item',
      primaryKey: ['client_id', 'customer_id', 'order_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('order_id'),
        id('id'),
        nullable(sealed('sealed_commerce')),
        nullable(count('quantity')),
        nullable(amount('unit_price')),
        nullable(digest('external_id_index')),
      ],
      indices: [{ columns: ['client_id', 'external_id_index'], unique: true }],
    });
    await createTable(queryRunner, {
      name: 'conversation',
      primaryKey: ['client_id', 'customer_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('id'),
        nullable(text('channel', 40)),
        nullable(sealed('sealed_correspondence')),
      ],
    });
    await createTable(queryRunner, {
      name: 'message',
      primaryKey: ['client_id', 'customer_id', 'conversation_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('conversation_id'),
        id('id'),
        nullable(instant('sent_at')),
        nullable(text('direction', 10)),
        nullable(sealed('sealed_correspondence')),
      ],
    });
    await createTable(queryRunner, {
      name: 'health_record',
      primaryKey: ['client_id', 'customer_id', 'id'],
      columns: [
        id('client_id'),
        id('customer_id'),
        id('id'),
        nullable(instant('recorded_at')),
        nullable(sealed('sealed_health')),
      ],
    });
    await createTable(queryRunner, {
      name: 'customer_attribute',
      primaryKey: ['client_id', 'customer_id', 'key'],
      columns: [id('client_id'), id('customer_id'), text('key', 100), nullable(sealed('sealed_behaviour'))],
    });
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const tables = [
      'customer_attribute',
      'health_record',
      'message',
      'conversation',
      'order_item',
      'purchase_order',
      'customer',
    ];
    for (const table of tables) await queryRunner.dropTable(table, true);
  }
}
