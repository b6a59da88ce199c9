import { join } from 'node:path';

/**
 * Fills a client with people, or erases them: `erase.js fill SLUG PEOPLE ROWS`, `erase.js people SLUG CONCURRENCY`,
 * `erase.js proven SLUG`, `erase.js client SLUG`. Prints JSON. Each runs in a process of its own, so that memory is the
 * work's alone. CHECKOUT names another build, which may be one from before epochs.
 */
const product = join(process.env.CHECKOUT ?? join(__dirname, '..', '..', '..', '..'), 'dist', 'src');
const BATCH = 250;

type Row = Record<string, unknown>;
interface Source {
  query<T>(sql: string, values: unknown[]): Promise<T>;
}
interface Product {
  readonly services: {
    readonly clients: {
      register(input: Row, by: string): Promise<{ id: string }>;
      find(slug: string): Promise<{ id: string } | undefined>;
    };
    readonly ledger: { close(): Promise<void> };
    readonly recorder?: { close(): Promise<void> };
    /** What builds before called it. */
    readonly trail?: { close(): Promise<void> };
    readonly erasure: {
      /** Before epochs there is nothing to turn. */
      readonly turning?: { turn(): Promise<unknown> };
      readonly terminations: { terminate(input: Row, by: Row): Promise<{ id: string }> };
      readonly erasures: {
        requestMany(client: string, ids: string[], filing: Row): Promise<{ requested: number }>;
        find(client: string, id: string): Promise<{ status: string } | undefined>;
        steps(client: string, id: string): Promise<Array<{ rows: number }>>;
      };
    };
  };
  readonly stores: {
    readonly keys: { createSubjectKeys(client: string, ids: string[]): Promise<unknown> };
    readonly keysSource: Source;
    readonly regions: { of(client: string): Promise<Source> };
    close(): Promise<void>;
  };
}

async function open(): Promise<Product> {
  require('reflect-metadata');
  const { readConfig } = require(join(product, 'config.js'));
  const { openStores } = require(join(product, 'stores.js'));
  const { createServices } = require(join(product, 'services.js'));
  const stores = await openStores(readConfig(process.env));
  return { stores, services: createServices(stores) };
}

async function main(): Promise<void> {
  const [work, slug = '', ...numbers] = process.argv.slice(2);
  const { services, stores } = await open();
  const result = await run({ services, stores }, work ?? '', slug, numbers.map(Number));
  await (services.recorder ?? services.trail)?.close();
  await services.ledger.close();
  await stores.close();
  const peakMemory = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({ ...result, peakMemory })}\n`);
}

async function run(opened: Product, work: string, slug: string, [first = 0, second = 0]: number[]): Promise<Row> {
  if (work === 'fill') return fill(opened, slug, first, second);
  const client = (await opened.services.clients.find(slug))?.id ?? '';
  if (work === 'proven') return proven(opened, client);
  return work === 'people' ? { ...(await people(opened, client, first)) } : end(opened, client);
}

/** People with ROWS related rows each: orders with their items, messages, attributes, a health record. */
async function fill({ services, stores }: Product, slug: string, count: number, rows: number): Promise<Row> {
  const { v7: uuid } = require(join(product, '..', '..', 'node_modules', 'uuid')) as { v7: () => string };
  const { TenantWriter } = require(join(product, 'tenancy', 'tenant-writer.js'));
  const { inTransaction } = require(join(product, 'storage', 'transaction.js'));
  const { Customer } = require(join(product, 'subjects', 'customer.js'));
  const { Order, OrderItem } = require(join(product, 'subjects', 'related', 'order.js'));
  const { Conversation, Message } = require(join(product, 'subjects', 'related', 'conversation.js'));
  const { CustomAttribute } = require(join(product, 'subjects', 'related', 'custom-attribute.js'));
  const { id: client } = await services.clients.register({ slug, name: slug }, 'bench');
  const source = await stores.regions.of(client);
  const at = new Date('2025-03-01T00:00:00Z');
  // Of twenty: 4 orders, 8 items, 1 conversation, 5 messages, 2 attributes.
  const share = (part: number) => Math.max(1, Math.round((rows * part) / 20));
  const each = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, index) => make(index));
  for (let start = 0; start < count; start += BATCH) {
    const ids = each(Math.min(BATCH, count - start), () => uuid());
    await stores.keys.createSubjectKeys(client, ids);
    const orders = ids.flatMap((customerId) => each(share(4), () => ({ customerId, id: uuid() })));
    const conversations = ids.map((customerId) => ({ customerId, id: uuid() }));
    const customers = ids.map((id, index) => ({
      id,
      firstName: 'Ada',
      lastName: `Nr. ${start + index}`,
      email: `${id}@example.org`,
      residency: 'DE',
      externalId: id,
      createdAt: at,
    }));
    const items = orders.flatMap(({ customerId, id }) =>
      each(2, (item) => ({ customerId, orderId: id, id: uuid(), name: `thing ${item}`, quantity: 1, unitPrice: 2 })),
    );
    const messages = conversations.flatMap(({ customerId, id }) =>
      each(share(5), () => ({ customerId, conversationId: id, id: uuid(), sentAt: at, body: 'Where is my order?' })),
    );
    const attributes = ids.flatMap((customerId) =>
      ['plan', 'segment'].map((key) => ({ id: uuid(), customerId, key, value: 'gold' })),
    );
    await inTransaction(source, async (manager: unknown) => {
      const writer = new TenantWriter(manager, stores.keys);
      await writer.insert(Customer, client, customers);
      await writer.insert(
        Order,
        client,
        orders.map((order) => ({ ...order, placedAt: at, total: 9.5, currency: 'EUR' })),
      );
      if (rows < 20) return;
      await writer.insert(OrderItem, client, items);
      await writer.insert(
        Conversation,
        client,
        conversations.map((each) => ({ ...each, subject: 'order' })),
      );
      await writer.insert(Message, client, messages);
      await writer.insert(CustomAttribute, client, attributes);
    });
  }
  return { people: count };
}

interface Filed {
  readonly filed: number;
  readonly filingSeconds: number;
  readonly seconds: number;
}

/** Files the erasure of everybody and carries it out. */
async function people({ services, stores }: Product, client: string, concurrency: number): Promise<Filed> {
  const { jobWorker } = require(join(product, 'background.js'));
  const source = await stores.regions.of(client);
  const rows = await source.query<Array<{ id: string }>>('SELECT id FROM customer WHERE client_id = ?', [client]);
  const filing = { principal: 'bench', role: 'CLIENT_ADMIN', grounds: 'CLIENT_INSTRUCTION' };
  const began = performance.now();
  const { requested: filed } = await services.erasure.erasures.requestMany(
    client,
    rows.map(({ id }) => id),
    filing,
  );
  const filedAt = performance.now();
  const worker = jobWorker(stores, services, { concurrency, onFailure: fail });
  await worker.drain();
  const ended = performance.now();
  return { filed, filingSeconds: (filedAt - began) / 1000, seconds: (ended - filedAt) / 1000 };
}

/** Erases everybody one by one, from the request to the proof: with the end of the epoch, where there are epochs. */
async function proven(opened: Product, client: string): Promise<Row> {
  const { services, stores } = opened;
  const { jobWorker } = require(join(product, 'background.js'));
  const began = performance.now();
  const { filed, filingSeconds, seconds } = await people(opened, client, 1);
  const turning = performance.now();
  const turned = await services.erasure.turning?.turn();
  const turnedAt = performance.now();
  if (turned) await jobWorker(stores, services, { concurrency: 1, onFailure: fail }).drain();
  const ended = performance.now();
  const count = async (source: Source, sql: string) =>
    Number((await source.query<Array<{ n: number }>>(`SELECT COUNT(*) AS n FROM ${sql}`, [client]))[0]?.n);
  const requests = "erasure_request WHERE client_id = ? AND status = 'COMPLETED'";
  const completed = await count(await stores.regions.of(client), requests);
  const certified = await count(stores.keysSource, 'erasure_ledger WHERE client_id = ? AND certificate IS NOT NULL');
  if (completed !== filed || certified !== filed)
    throw new Error(`${completed} of ${filed} are completed, ${certified} certified`);
  return {
    filed,
    filingSeconds,
    erasingSeconds: seconds,
    turningSeconds: (turnedAt - turning) / 1000,
    provingSeconds: (ended - turnedAt) / 1000,
    seconds: (ended - began) / 1000,
  };
}

async function end({ services, stores }: Product, client: string): Promise<Row> {
  const { jobWorker } = require(join(product, 'background.js'));
  const by = { principal: 'bench', role: 'PLATFORM_STAFF' };
  const { id } = await services.erasure.terminations.terminate({ clientId: client, effectiveOn: new Date() }, by);
  const began = performance.now();
  await jobWorker(stores, services, { concurrency: 1, onFailure: fail }).drain();
  const seconds = (performance.now() - began) / 1000;
  const state = await services.erasure.erasures.find(client, id);
  const steps = await services.erasure.erasures.steps(client, id);
  return { seconds, status: state?.status, rows: steps.reduce((sum, step) => sum + step.rows, 0) };
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}

void main();
