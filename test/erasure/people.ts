import { v7 as uuid } from 'uuid';
import type { Services } from '../../src/services';
import { inTransaction } from '../../src/storage/transaction';
import type { Stores } from '../../src/stores';
import { Customer } from '../../src/subjects/customer';
import { Conversation, Message } from '../../src/subjects/related/conversation';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { HealthRecord } from '../../src/subjects/related/health-record';
import { Order, OrderItem } from '../../src/subjects/related/order';
import { TenantWriter } from '../../src/tenancy/tenant-writer';

/** Words that stand in every personal field of a planted person, and nowhere else. */
export const CANARY = 'CANARY';

export interface Planted {
  readonly id: string;
  readonly externalId: string;
}

/** Rows of a planted person, by table. */
export const plantedRows = {
  customer: 1,
  purchase_order: 2,
  order_item: 4,
  conversation: 1,
  message: 3,
  health_record: 1,
  customer_attribute: 2,
} as const;

/** People with everything that a person can have here, fourteen rows each. */
export async function plantPeople(
  { regions, keys }: Stores,
  client: string,
  numbers: readonly number[],
  more: { residency?: string; createdAt?: Date } = {},
): Promise<Planted[]> {
  const people = numbers.map((number) => ({ number, id: uuid(), externalId: `${CANARY}-X-${number}` }));
  await keys.createSubjectKeys(
    client,
    people.map(({ id }) => id),
  );
  const at = more.createdAt ?? new Date('2025-05-17T10:00:00Z');
  const each = <T>(make: (person: (typeof people)[number]) => T[]): T[] => people.flatMap(make);
  const orders = each(({ id, number }) => [1, 2].map((n) => ({ customerId: id, id: uuid(), n, number })));
  const conversations = each(({ id }) => [{ customerId: id, id: uuid() }]);
  await inTransaction(await regions.of(client), async (manager) => {
    const writer = new TenantWriter(manager, keys);
    await writer.insert(
      Customer,
      client,
      people.map(({ id, number, externalId }) => ({
        id,
        firstName: `${CANARY}-first-${number}`,
        lastName: `${CANARY}-last-${number}`,
        email: `${CANARY}-${number}@example.org`,
        phone: `+49 30 ${1_000_000 + number}`,
        socialHandle: `@${CANARY}${number}`,
        ipAddress: '203.0.113.77',
        gender: `${CANARY}-gender`,
        externalId,
        postalAddress: { street: `${CANARY} street`, country: 'DE' },
        residency: more.residency ?? 'DE',
        source: 'test',
        createdAt: at,
      })),
    );
    await writer.insert(
      Order,
      client,
      orders.map(({ customerId, id, n, number }) => ({
        customerId,
        id,
        placedAt: at,
        currency: 'EUR',
        total: 12.5 * n,
        status: 'PAID',
        externalId: `${CANARY}-order-${number}-${n}`,
      })),
    );
    await writer.insert(
      OrderItem,
      client,
      orders.flatMap(({ customerId, id, n, number }) =>
        [1, 2].map((item) => ({
          customerId,
          orderId: id,
          id: uuid(),
          name: `${CANARY} thing`,
          quantity: item,
          unitPrice: 3,
          externalId: `${CANARY}-item-${number}-${n}-${item}`,
        })),
      ),
    );
    await writer.insert(
      Conversation,
      client,
      conversations.map(({ customerId, id }) => ({ customerId, id, channel: 'EMAIL', subject: `${CANARY} subject` })),
    );
    await writer.insert(
      Message,
      client,
      conversations.flatMap(({ customerId, id }) =>
        [1, 2, 3].map((n) => ({
          customerId,
          conversationId: id,
          id: uuid(),
          sentAt: at,
          direction: 'INBOUND',
          body: `${CANARY} body ${n}`,
        })),
      ),
    );
    await writer.insert(
      HealthRecord,
      client,
      people.map(({ id }) => ({ customerId: id, id: uuid(), recordedAt: at, kind: 'note', note: `${CANARY} health` })),
    );
    await writer.insert(
      CustomAttribute,
      client,
      people.flatMap(({ id }) =>
        ['plan', 'segment'].map((key) => ({ id: uuid(), customerId: id, key, value: `${CANARY} ${key}` })),
      ),
    );
  });
  return people;
}

/** How many rows of each planted table a client has. */
export async function countRows(
  { regions }: Stores,
  client: string,
): Promise<Record<keyof typeof plantedRows, number>> {
  const source = await regions.of(client);
  const counts = await Promise.all(
    Object.keys(plantedRows).map(async (table) => {
      const [row] = await source.query<Array<{ n: number }>>(
        `SELECT COUNT(*) AS n FROM \`${table}\` WHERE client_id = ?`,
        [client],
      );
      return [table, Number(row?.n)] as const;
    }),
  );
  return Object.fromEntries(counts) as Record<keyof typeof plantedRows, number>;
}

/** Every value of every table of a store as text, sealed bytes included, for a search of canaries. */
export async function dump(source: { query<T>(sql: string): Promise<T>; options: { type: string } }): Promise<string> {
  const isSqlite = source.options.type === 'better-sqlite3';
  const tables = isSqlite
    ? await source.query<Array<{ name: string }>>("SELECT name FROM sqlite_master WHERE type = 'table'")
    : await source.query<Array<{ name: string }>>(
        'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
      );
  const texts: string[] = [];
  for (const { name } of tables) {
    for (const row of await source.query<Array<Record<string, unknown>>>(`SELECT * FROM \`${name}\``)) {
      for (const value of Object.values(row)) {
        texts.push(Buffer.isBuffer(value) ? value.toString('latin1') : String(value));
      }
    }
  }
  return texts.join('\n');
}

/** A client of its own, for a test. */
export async function newClient(services: Services, slug: string): Promise<string> {
  return (await services.clients.register({ slug, name: slug }, 'test')).id;
}
