import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { DataSource } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { jobWorker } from '../../src/background';
import type { JobWorker } from '../../src/jobs/job-worker';
import { inTransaction } from '../../src/storage/transaction';
import { Order } from '../../src/subjects/related/order';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { remit, startRemit } from '../support/cli';
import { databases, type TestDatabase } from '../support/databases';
import { type Installation, openInstallation } from './installation';
import { newClient, plantedRows, plantPeople } from './people';

const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;

describe.each(databases)('the fence between writes about a person and the person’s erasure, on $name', (kind) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;
  let source: DataSource;
  let worker: JobWorker;

  beforeEach(async () => {
    database = await kind.create();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
    source = installation.stores.regions.home;
    worker = jobWorker(installation.stores, installation.services, {
      onFailure: (error) => {
        throw error;
      },
    });
  });
  afterEach(async () => {
    await installation.close();
    await database.drop();
  });

  const plantOne = async (number = 1) => {
    const [person] = await plantPeople(installation.stores, client, [number]);
    if (!person) throw new Error('nobody was planted');
    return person.id;
  };
  const order = (customerId: string) => ({ customerId, id: uuid(), placedAt: new Date(), total: 1 });
  const count = async (where: string) => {
    const [row] = await source.query<Array<{ n: number }>>(`SELECT COUNT(*) AS n FROM ${where}`);
    return Number(row?.n);
  };
  const orphans = () => count('purchase_order WHERE customer_id NOT IN (SELECT id FROM customer)');
  const take = (name: string, lines: readonly string[], map: Record<string, string>, kindOf: string) => {
    const file = join(installation.folder, `${name}.csv`);
    const mapping = join(installation.folder, `${name}.json`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    writeFileSync(mapping, JSON.stringify(map));
    return ['import', file, '--client', 'acme', '--as', kindOf, '--map', mapping, '--json'];
  };
  const run = (words: readonly string[]) => remit(words, { cwd: installation.folder, env: installation.env });
  const customerMap = { externalId: 'id', firstName: 'name', email: 'mail' };

  test('case erase-while-importing: orders come in while their customers are erased, and none stays', async () => {
    const people = Array.from({ length: 80 }, (_, number) => number);
    const customers = ['id,name,mail', ...people.map((number) => `${number},N${number},`)];
    expect(await run(take('customers', customers, customerMap, 'customers'))).toMatchObject({ code: 0 });
    const orders = Array.from({ length: 10 }, (_, round) => people.map((number) => `O${number}-${round},${number},5`));
    const map = { externalId: 'no', customerExternalId: 'who', total: 'sum' };
    const words = take('orders', ['no,who,sum', ...orders.flat()], map, 'orders');
    const child = startRemit(words, { cwd: installation.folder, env: installation.env });
    const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
    while ((await count('purchase_order')) === 0 && child.exitCode === null) await new Promise(setImmediate);
    const { erasures } = installation.services.erasure;
    await erasures.requestWhere(client, { source: 'import' }, filing);
    await worker.drain();
    const [[code], stdout, stderr] = await ended;
    expect([code, stderr]).toEqual([expect.any(Number), expect.not.stringContaining('unforeseen')]);
    expect(JSON.parse(stdout)).toMatchObject({ read: 800 });
    await worker.drain();
    expect(await count("erasure_request WHERE status <> 'COMPLETED'")).toBe(0);
    expect(await count('customer')).toBe(0);
    expect(await orphans()).toBe(0);
  });

  test('what was read before an erasure is not written after it', async () => {
    const id = await plantOne();
    await installation.services.erasure.erasures.request(client, id, filing);
    const write = () =>
      inTransaction(source, (manager) =>
        new TenantWriter(manager, installation.stores.keys).insert(Order, client, [order(id)]),
      );
    await expect(write()).rejects.toMatchObject({ code: 'PERSON_GONE' });
    await worker.drain();
    await expect(write()).rejects.toMatchObject({ code: 'PERSON_GONE' });
    expect(await orphans()).toBe(0);
  });

  test('a write under way holds the request up until it is committed, and is erased with the rest', async () => {
    const id = await plantOne();
    let enter: (() => void) | undefined;
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    // Asked for by somebody else, while the write is under way.
    const filed = entered.then(() => installation.services.erasure.erasures.request(client, id, filing));
    await inTransaction(source, async (manager) => {
      await new TenantWriter(manager, installation.stores.keys).insert(Order, client, [order(id)]);
      enter?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    await filed;
    await worker.drain();
    const [state] = await installation.services.erasure.erasures.list(client, {}, 1, undefined);
    const steps = await installation.services.erasure.erasures.steps(client, state?.id ?? '');
    expect(steps.find(({ store }) => store === 'data:purchase_order')?.rows).toBe(plantedRows.purchase_order + 1);
    expect(await orphans()).toBe(0);
  });

  if (kind.name === 'MariaDB') {
    test('a transaction that saw the person before the erasure began sees the erasure when it writes', async () => {
      const id = await plantOne();
      const write = inTransaction(source, async (manager) => {
        // What is read here is of now, however long the transaction lasts.
        await manager.query('SELECT * FROM customer');
        await installation.services.erasure.erasures.request(client, id, filing);
        await worker.drain();
        await new TenantWriter(manager, installation.stores.keys).insert(Order, client, [order(id)]);
      });
      await expect(write).rejects.toMatchObject({ code: 'PERSON_GONE' });
      expect(await orphans()).toBe(0);
    });
  }

  test('case changed-during-grace: nothing is imported of a person under erasure; the person is known again', async () => {
    const header = 'id,name,mail';
    const rows = (...lines: string[]) => [header, ...lines];
    expect(await run(take('first', rows('1,Ada,ada@example.org'), customerMap, 'customers'))).toMatchObject({
      code: 0,
    });
    const [{ id } = { id: '' }] = await installation.services.customers.reads.lookup(
      client,
      { externalId: '1' },
      new Set(),
    );
    await installation.services.erasure.erasures.request(client, id, { ...filing, notBefore: Date.now() + 3_600_000 });
    const placeholder = await run(
      take('placeholder', rows('1,Deleted,deleted@anonymised.invalid'), customerMap, 'customers'),
    );
    expect(JSON.parse(placeholder.stdout)).toMatchObject({ created: 0, updated: 0, rejected: 1 });
    const orderOf = take('order', ['no,who', 'O1,1'], { externalId: 'no', customerExternalId: 'who' }, 'orders');
    expect(JSON.parse((await run(orderOf)).stdout)).toMatchObject({ created: 0, rejected: 1 });
    await source.query('UPDATE erasure_request SET not_before = NULL');
    await source.query('UPDATE job SET run_at = 0');
    await worker.drain();
    const again = await run(take('again', rows('7,Ada,ada@example.org'), customerMap, 'customers'));
    expect(JSON.parse(again.stdout)).toMatchObject({ created: 0, rejected: 1 });
    const other = await run(take('other', rows('8,Deleted,deleted@anonymised.invalid'), customerMap, 'customers'));
    expect(JSON.parse(other.stdout)).toMatchObject({ created: 1, rejected: 0 });
  });

  test('nothing is imported of a person whose processing is restricted, nor of what hangs on them', async () => {
    const header = 'id,name,mail';
    expect(await run(take('first', [header, '1,Ada,', '2,Bob,'], customerMap, 'customers'))).toMatchObject({ code: 0 });
    const [{ id } = { id: '' }] = await installation.services.customers.reads.lookup(
      client,
      { externalId: '1' },
      new Set(),
    );
    await installation.services.customers.setRestriction(client, id, 'OBJECTION', 'officer');
    const more = await run(
      take('more', [header, '1,Eve,', '2,Rob,', '1,Eve,eve@example.org'], customerMap, 'customers'),
    );
    expect(JSON.parse(more.stdout)).toMatchObject({ updated: 1, rejected: 2 });
    const map = { externalId: 'no', customerExternalId: 'who' };
    const orders = await run(take('orders', ['no,who', 'O1,1', 'O2,2'], map, 'orders'));
    expect(JSON.parse(orders.stdout)).toMatchObject({ created: 1, rejected: 1 });
  });
});
