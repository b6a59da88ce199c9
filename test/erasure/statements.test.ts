import { jobWorker } from '../../src/background';
import { finishSteps, insertSteps, stepsOf, withCounted } from '../../src/erasure/execution/steps';
import { inTransaction } from '../../src/storage/transaction';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { newClient, plantPeople } from './people';

const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
/** For a person with rows in seven tables, and a client that may want to be told; begin and commit are left out. */
const MOST = 58;

describe.each(databases)('the statements of one person’s erasure, on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  test(`they are at most ${MOST}`, async () => {
    const { stores, services } = app;
    const { erasures } = services.erasure;
    const client = await newClient(services, 'counted');
    const [first, second] = await plantPeople(stores, client, [1, 2]);
    const worker = jobWorker(stores, services);
    // The first one also makes what a process makes once, such as the signing key.
    await erasures.request(client, first?.id ?? '', filing);
    await worker.drain();

    const { id } = await erasures.request(client, second?.id ?? '', filing);
    const logs = [stores.regions.home, stores.keysSource].map(recordSql);
    await worker.drain();
    const taken = logs.flatMap((log) => log.take());
    expect((await erasures.find(client, id))?.status).toBe('COMPLETED');
    expect(taken.length).toBeLessThanOrEqual(MOST);
  });

  test('what a turn has counted is what it would read', async () => {
    const client = await newClient(app.services, 'read');
    const planned = ['data:order_item', 'data:customer', 'data:message'].map((store) => {
      return { store, action: 'DELETE' as const, categories: ['CONTACT' as const] };
    });
    await inTransaction(app.stores.regions.home, async (manager) => {
      await insertSteps(manager, client, 'request', 1, planned);
      const steps = await stepsOf(manager, client, 'request');
      const counted = steps.slice(0, 2).map((step, index) => ({ step, rows: 3 + index, done: index === 0 }));
      await finishSteps(manager, client, 'request', counted, 1_000);
      expect(withCounted(steps, counted, 1_000)).toEqual(await stepsOf(manager, client, 'request'));
    });
  });
});
