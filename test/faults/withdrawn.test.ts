import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { jobWorker } from '../../src/background';
import { holdsInForce } from '../../src/erasure/holds/legal-holds';
import { PurposeGrant } from '../../src/identity/purpose-grant';
import { inTransaction } from '../../src/storage/transaction';
import { Customer } from '../../src/subjects/customer';
import { Order } from '../../src/subjects/related/order';
import { lockFence } from '../../src/tenancy/fence';
import { fencedBy, tableOf } from '../../src/tenancy/tenant-table';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { countRows, plantPeople } from '../erasure/people';
import type { TestApp } from '../support/app';
import { openSeveralNodes, type SeveralNodes } from './several-nodes';

/** How many answers are looked at after an acknowledged withdrawal, hold or erasure. */
const TRIES = Number(process.env.STALE_TRIES ?? 10_000);
const READS_EACH = 80;
const ROUNDS = Math.ceil((TRIES * 0.8) / READS_EACH);
const PEOPLE = Math.ceil((TRIES * 0.2) / READS_EACH);
const HELD = Math.ceil(TRIES / 50);

const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
const page = '{ customers(first: 1) { nodes { email } } }';

let nodes: SeveralNodes | undefined;
let client: string;
beforeAll(async () => {
  nodes = await openSeveralNodes();
  if (!nodes) return;
  client = (await nodes.first.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
  await plantPeople(nodes.first.stores, client, [1]);
  await nodes.cluster.waitSynced();
});
afterAll(() => nodes?.close());

/** What an answer gave: the text of its data, or the code of what refused it. */
async function answer(asking: ReturnType<TestApp['ask']>): Promise<{ text: string; code: string | undefined }> {
  try {
    const { data, errors } = await asking;
    return { text: JSON.stringify(data ?? null), code: errors?.[0]?.extensions.code as string | undefined };
  } catch (error) {
    return { text: '', code: (error as { code?: string }).code ?? 'FAILED' };
  }
}

const gave = ({ text }: { text: string }) => /CANARY/i.test(text);

test('a grant that is withdrawn on one node gives nothing through any other', async () => {
  if (!nodes) return;
  const { cluster, first, second, roving } = nodes;
  const { records } = first.services;
  const stale: string[] = [];
  const codes = new Map<string, number>();
  let [tries, kept] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const subject = `lee-${round}@acme`;
    const [app, where] = round % 2 === 0 ? [second, 'second'] : [roving, 'roving'];
    const ask = () =>
      answer(app.ask({ role: 'CLIENT_AGENT', client: 'acme', subject, purposes: ['LEGAL'] }, 'LEGAL', page));
    const terms = { granteeKind: 'PRINCIPAL', grantee: subject, purpose: 'LEGAL', reason: 'test' } as const;
    const { id } = await records.grant({ client, principal: 'test' }, terms);
    await cluster.waitApplied(2);
    expect(gave(await ask())).toBe(true);
    const end = round % 4 < 2 ? await cluster.lag(2) : undefined;
    await records.withdraw(PurposeGrant, { client, principal: 'test' }, id, 'over');
    const reads: Array<ReturnType<typeof ask>> = [];
    for (let read = 0; read < READS_EACH; read++) {
      reads.push(ask());
      if (read % 10 === 9) await sleep(5);
    }
    await end?.();
    for (const read of await Promise.all(reads)) {
      tries++;
      codes.set(read.code ?? 'CLEAR', (codes.get(read.code ?? 'CLEAR') ?? 0) + 1);
      if (gave(read)) stale.push(`round ${round} through ${where}${end ? ', which lagged' : ''}`);
    }
    // Nor is what was read while nodes differed kept for later.
    if (gave(await ask())) kept++;
  }
  report('withdrawals', { tries, stale: stale.length, kept, ...Object.fromEntries(codes) });
  expect({ stale: [...new Set(stale)], kept }).toEqual({ stale: [], kept: 0 });
});

test('what is certified as erased is given by no node, and nothing more is written about the person', async () => {
  if (!nodes) return;
  const { cluster, first, second } = nodes;
  const worker = jobWorker(first.stores, first.services, { onFailure: fail });
  const people = await plantPeople(
    first.stores,
    client,
    Array.from({ length: PEOPLE }, (_, number) => 1000 + number),
  );
  await cluster.waitApplied(2);
  let [tries, stale, written] = [0, 0, 0];
  for (const [number, { id }] of people.entries()) {
    const ask = () =>
      answer(second.ask({ role: 'CLIENT_AGENT', client: 'acme' }, 'SUPPORT', `{ customer(id: "${id}") { email } }`));
    expect(gave(await ask())).toBe(true);
    const end = number % 2 === 0 ? await cluster.lag(2) : undefined;
    const request = await first.services.erasure.erasures.request(client, id, filing);
    await worker.drain();
    expect((await first.services.erasure.erasures.find(client, request.id))?.status).toBe('COMPLETED');
    const reads = Array.from({ length: READS_EACH }, ask);
    const attributes = [{ key: 'late', value: 'CANARY late' }];
    const writing = second.services.customers.update(client, { customerId: id, attributes }).then(
      () => true,
      () => false,
    );
    await sleep(20);
    await end?.();
    if (await writing) written++;
    for (const read of await Promise.all(reads)) {
      tries++;
      if (gave(read)) stale++;
    }
  }
  await cluster.waitSynced();
  const left = await countRows(second.stores, client);
  report('erasures', { people: people.length, tries, stale, written, left: JSON.stringify(left) });
  expect({ stale, written, customers: left.customer, attributes: left.customer_attribute }).toEqual({
    ...{ stale: 0, written: 0, customers: 1, attributes: 2 },
  });
});

describe('of two transactions on two nodes that concern a person, the second one sees the first', () => {
  const people = fencedBy(tableOf(Customer));
  const planted = async ({ first, cluster }: SeveralNodes) => {
    const [person] = await plantPeople(first.stores, client, [9000 + Math.floor(Math.random() * 1000)]);
    await cluster.waitSynced();
    return person?.id ?? '';
  };

  test('a hold that is placed while the eraser has seen none', async () => {
    if (!nodes || !people) return;
    const { first, second } = nodes;
    const id = await planted(nodes);
    const terms = { customerId: id, categories: ['NAME' as const], matter: 'M-1', reason: 'a claim' };
    const seen: number[] = [];
    await inTransaction(first.stores.regions.home, async (manager) => {
      await lockFence(manager, people, client, [id]);
      const holds = await holdsInForce(manager, client, [id], Date.now());
      seen.push(holds.length);
      if (seen.length === 1) await second.services.erasure.holds.place({ client, principal: 'test' }, terms);
      if (holds.length === 0) await manager.query('DELETE FROM customer WHERE client_id = ? AND id = ?', [client, id]);
    });
    expect(seen[0]).toBe(0);
    expect(seen.at(-1)).toBe(1);
  });

  test('a row that is written while the person is erased', async () => {
    if (!nodes || !people) return;
    const { first, second } = nodes;
    const id = await planted(nodes);
    let attempts = 0;
    const writing = inTransaction(second.stores.regions.home, async (manager) => {
      const row = { customerId: id, id: uuid(), placedAt: new Date(), total: 1 };
      await new TenantWriter(manager, second.stores.keys).insert(Order, client, [row]);
      if (attempts++ > 0) return;
      await first.services.erasure.erasures.request(client, id, filing);
      await jobWorker(first.stores, first.services, { onFailure: fail }).drain();
    });
    await expect(writing).rejects.toMatchObject({ code: 'PERSON_GONE' });
    expect(attempts).toBeGreaterThan(0);
  });
});

test('a hold that is acknowledged keeps the person, whichever node it was placed through', async () => {
  if (!nodes) return;
  const { cluster, first, second, third } = nodes;
  const numbers = Array.from({ length: HELD }, (_, number) => 5000 + number);
  const people = await plantPeople(first.stores, client, numbers);
  await cluster.waitSynced();
  const acknowledged: string[] = [];
  const workers = [first, third].map((app) => jobWorker(app.stores, app.services));
  for (let start = 0; start < people.length; start += 10) {
    const some = people.slice(start, start + 10);
    const end = (start / 10) % 2 === 0 ? await cluster.lag(2) : undefined;
    for (const { id } of some) await first.services.erasure.erasures.request(client, id, filing);
    const holding = some.map(async ({ id }) => {
      await sleep(Math.random() * 800);
      const terms = { customerId: id, categories: ['NAME' as const], matter: 'M-1', reason: 'a claim' };
      const hold = await second.services.erasure.holds.place({ client, principal: 'test' }, terms).catch(() => null);
      if (hold) acknowledged.push(id);
    });
    const working = workers.map((worker) => worker.drain());
    await sleep(100);
    await end?.();
    await Promise.all([...holding, ...working]);
  }
  for (const worker of workers) await worker.drain();
  await cluster.waitSynced();
  const rows = await first.stores.regions.home.query<Array<{ id: string }>>('SELECT id FROM customer');
  const there = new Set(rows.map(({ id }) => id));
  const keys = await first.stores.keys.subjectKeys(client, [...there]);
  const destroyed = acknowledged.filter((id) => !there.has(id) || !keys.has(id));
  const gone = people.filter(({ id }) => !there.has(id)).length;
  report('holds', { people: people.length, acknowledged: acknowledged.length, gone, destroyed: destroyed.length });
  expect(destroyed).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(gone).toBeGreaterThan(0);
});

function fail(error: unknown): never {
  throw error;
}

function report(what: string, figures: Record<string, unknown>): void {
  const words = Object.entries(figures).map(([name, value]) => `${name} ${String(value)}`);
  process.stderr.write(`${what}: ${words.join(', ')}\n`);
}
