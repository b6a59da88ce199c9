import { setTimeout as sleep } from 'node:timers/promises';
import { ErasureChanges } from '../../src/erasure/requests/erasure-request-subscription';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { newClient, plantPeople } from './people';

const request = `mutation ($input: RequestErasureInput!) { requestErasure(input: $input) { request { id } } }`;
const cancel = `mutation ($id: ID!) { cancelErasure(input: { id: $id }) { request { id } } }`;
const LOOKS_MS = 1_500;
const silent = { began: () => undefined, ended: () => undefined };

describe.each(databases)('subscribers of erasure requests on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let replica: TestApp;
  const clients: string[] = [];

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    replica = await app.replica();
    for (const slug of ['acme', 'globex']) clients.push(await newClient(app.services, slug));
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await replica.close();
    await app.close();
    await database.drop();
  });

  const [acme, globex] = ['acme', 'globex'].map((client): Asker => ({ role: 'CLIENT_ADMIN', client })) as [
    Asker,
    Asker,
  ];
  async function file(asker: Asker, client: string, numbers: readonly number[]): Promise<string[]> {
    const people = await plantPeople(app.stores, client, numbers);
    const ids: string[] = [];
    for (const { id: customerId } of people) {
      const input = { customerId, grounds: 'OBJECTION', startsAt: new Date(Date.now() + 86_400_000).toISOString() };
      const { data, errors } = await app.ask(asker, 'LEGAL', request, { input });
      expect(errors).toBeUndefined();
      ids.push((data as { requestErasure: { request: { id: string } } }).requestErasure.request.id);
    }
    return ids;
  }

  test('of whatever clients share one statement, hear what is so and each change, and leave nothing', async () => {
    const [mine, theirs] = [await file(acme, clients[0] ?? '', [1, 2]), await file(globex, clients[1] ?? '', [3])];
    const named = [...mine.map((id) => [clients[0], id]), ...theirs.map((id) => [clients[1], id])] as [
      string,
      string,
    ][];
    const changes = new ErasureChanges(replica.stores.regions, silent);
    const log = recordSql(replica.stores.regions.home);
    const began = performance.now();
    const streams = await Promise.all(
      Array.from({ length: 60 }, (_, n) => changes.of(...(named[n % named.length] as [string, string]))),
    );
    for (const stream of streams) expect((await stream.next()).value).toMatchObject({ status: 'RECEIVED' });
    await sleep(LOOKS_MS);
    const seen = log.take().filter(({ sql }) => !sql.includes('FROM client'));
    expect(seen.filter(({ sql }) => !/FROM erasure_request\b/.test(sql))).toEqual([]);
    // One a second, give or take a tenth, and those that the first looks take.
    expect(seen.length).toBeLessThan((performance.now() - began) / 900 + 6);
    await app.ask(acme, 'LEGAL', cancel, { id: mine[0] });
    for (const [n, stream] of streams.entries()) {
      if (n % named.length !== 0) continue;
      expect((await stream.next()).value).toMatchObject({ id: mine[0], status: 'CANCELLED' });
      expect(await stream.next()).toEqual({ done: true, value: undefined });
    }
    await Promise.all(streams.map((stream) => stream.return()));
    await sleep(LOOKS_MS);
    log.take();
    await sleep(LOOKS_MS);
    expect(log.take()).toEqual([]);
  }, 60_000);

  test('of a request that there is not, or that is another client’s, are told so; others are not disturbed', async () => {
    const [id = ''] = await file(acme, clients[0] ?? '', [4]);
    const changes = new ErasureChanges(replica.stores.regions, silent);
    const names = [id, 'none', 'ü �  x', `${id} `, ''];
    const streams = await Promise.all(names.map((name) => changes.of(clients[0] ?? '', name)));
    const stranger = await changes.of(clients[1] ?? '', id);
    const [known, ...unknown] = [...streams, stranger];
    for (const stream of unknown) {
      await expect(stream.next()).rejects.toMatchObject({ extensions: { code: 'NOT_FOUND' } });
    }
    expect((await known?.next())?.value).toMatchObject({ id, status: 'RECEIVED' });
    await known?.return();
  });
});
