import { packageOfProduct, product } from '../support/product';

/**
 * Adds customers with ten orders each to a client: `fill-customers.js SLUG CUSTOMERS`. Each customer is sealed under
 * its own key, as in the product. Orders have only the columns that are not sealed, which is all that pages read.
 * Prints JSON: how many, and in how many seconds.
 */
const BATCH = 500;
const AT_ONCE = 3;

type Row = Record<string, unknown>;

interface Manager {
  query(sql: string, values: readonly unknown[]): Promise<unknown>;
}

interface Stores {
  readonly keys: { createSubjectKeys(client: string, ids: readonly string[]): Promise<unknown> };
  readonly regions: { of(client: string): Promise<object> };
  close(): Promise<void>;
}

interface Services {
  readonly clients: { find(slug: string): Promise<{ id: string } | undefined> };
  readonly ledger: { close(): Promise<void> };
  readonly recorder?: { close(): Promise<void> };
  /** What builds before called it. */
  readonly trail?: { close(): Promise<void> };
}

type Writer = new (
  manager: Manager,
  keys: object,
) => { insert(entity: unknown, client: string, rows: readonly Row[]): Promise<void> };

const ordersOfSome = (customers: number): string => {
  const places = Array.from({ length: customers }, () => '?').join(', ');
  const numbers = Array.from({ length: 10 }, (_, number) => `SELECT ${10 + number} AS n`).join(' UNION ALL ');
  return `INSERT INTO purchase_order (client_id, customer_id, id, placed_at, currency, total, status)
    SELECT client_id, id, CONCAT(LEFT(id, 34), n), created_at + n * 86400000, 'EUR', n * 12345, 'DELIVERED'
    FROM customer JOIN (${numbers}) AS numbers WHERE client_id = ? AND id IN (${places})`;
};

async function main(): Promise<void> {
  require('reflect-metadata');
  const [, , slug = '', wanted = '0'] = process.argv;
  const { readConfig } = product<{ readConfig(env: NodeJS.ProcessEnv): unknown }>('config.js');
  const { openStores } = product<{ openStores(config: unknown): Promise<Stores> }>('stores.js');
  const { createServices } = product<{ createServices(stores: Stores): Services }>('services.js');
  const stores = await openStores(readConfig(process.env));
  const services = createServices(stores);
  const client = await services.clients.find(slug);
  if (!client) throw new Error(`there is no client ${slug}`);
  const customers = Number(wanted);
  const startedAt = performance.now();
  let begun = 0;
  const one = async () => {
    while (begun < customers) {
      const first = begun;
      begun += BATCH;
      await write(stores, client.id, first, Math.min(BATCH, customers - first));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  const seconds = (performance.now() - startedAt) / 1000;
  await (services.recorder ?? services.trail)?.close();
  await services.ledger.close();
  await stores.close();
  process.stdout.write(`${JSON.stringify({ customers, seconds })}\n`);
}

async function write(stores: Stores, client: string, first: number, count: number): Promise<void> {
  const { v7: uuid } = packageOfProduct<{ v7(): string }>('uuid');
  const { TenantWriter } = product<{ TenantWriter: Writer }>('tenancy/tenant-writer.js');
  const { inTransaction } = product<{
    inTransaction(source: object, work: (manager: Manager) => Promise<void>): Promise<void>;
  }>('storage/transaction.js');
  const { Customer } = product<{ Customer: unknown }>('subjects/customer.js');
  const createdAt = new Date('2025-03-01T00:00:00Z');
  const rows = Array.from({ length: count }, (_, place) => ({
    id: uuid(),
    firstName: 'Ada',
    lastName: `Nr. ${first + place}`,
    email: `person.${first + place}@example.org`,
    phone: '+49 30 901820',
    ipAddress: '192.0.2.7',
    gender: 'female',
    residency: 'DE',
    source: 'website',
    externalId: `N-${first + place}`,
    createdAt,
  }));
  const ids = rows.map(({ id }) => id);
  await stores.keys.createSubjectKeys(client, ids);
  await inTransaction(await stores.regions.of(client), async (manager) => {
    await new TenantWriter(manager, stores.keys).insert(Customer, client, rows);
    await manager.query(ordersOfSome(count), [client, ...ids]);
  });
}

void main();
