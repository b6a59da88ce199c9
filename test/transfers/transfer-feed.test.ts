import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStream } from '../../src/jobs/event-stream';
import { createServices } from '../../src/services';
import { openStores, type Stores } from '../../src/stores';
import type { TransferApproval } from '../../src/transfers/transfer-approval';
import { TransferChanges } from '../../src/transfers/transfer-stream';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { TcpProxy } from '../support/tcp-proxy';
import { LOOKS_MS, looked } from './looks';
import { populate } from './people';
import { approvalIn, approve, askers, request, sccToTheUs } from './transfer-app';

const { admin } = askers;
const SUBSCRIBERS = 50;

const idOf = async (step: Promise<IteratorResult<TransferApproval, void>>) => {
  const { value } = await step;
  return value ? `${value.id} ${value.state}` : undefined;
};
const silent = { began: () => undefined, ended: () => undefined };
const leave = (streams: ReadonlyArray<EventStream<TransferApproval>>) =>
  Promise.all(streams.map((stream) => stream.return()));

describe.each(databases)('subscribers of transfers on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let replica: TestApp;
  let client: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    replica = await app.replica();
    await populate(app, 'acme', { DE: 1 });
    client = (await app.services.clients.find('acme'))?.id ?? '';
  });
  afterAll(async () => {
    await replica.close();
    await app.close();
    await database.drop();
  });

  test('cost nothing of their own while idle, read what changed alone, and leave nothing', async () => {
    for (let other = 0; other < 3; other++) approvalIn(await request(app, admin, sccToTheUs));
    const changes = new TransferChanges(replica.services.transfers, silent);
    const log = recordSql(replica.stores.regions.home);
    const streams = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => changes.of(client)));
    const told = streams.map((stream) => idOf(stream.next()));
    await looked(log);
    log.take();
    const began = performance.now();
    await sleep(LOOKS_MS);
    const idle = log.take();
    const looks = (performance.now() - began) / 450 + 1;
    expect(idle.filter(({ sql }) => !sql.includes('policy_version'))).toEqual([]);
    // Statements of each look, however many subscribers there are.
    expect(idle.length).toBeLessThan(3 * looks);
    const { id } = approvalIn(await request(app, admin, sccToTheUs));
    expect(new Set(await Promise.all(told))).toEqual(new Set([`${id} REQUESTED`]));
    const read = log.take().filter(({ sql }) => sql.includes('FROM `transfer_approval`'));
    expect(read.map(({ parameters }) => parameters)).toEqual([[client, id]]);
    await leave(streams);
    await sleep(LOOKS_MS);
    log.take();
    await sleep(LOOKS_MS);
    expect(log.take()).toEqual([]);
  }, 60_000);

  test('hear of a date without a read before it', async () => {
    const changes = new TransferChanges(replica.services.transfers, silent);
    const id = await approve(app, { ...sccToTheUs, validUntil: new Date(Date.now() + 8_000).toISOString() });
    const log = recordSql(replica.stores.regions.home);
    const streams = await Promise.all([changes.of(client), changes.of(client)]);
    await looked(log);
    log.take();
    expect(await Promise.all(streams.map((stream) => idOf(stream.next())))).toEqual([`${id} EXPIRED`, `${id} EXPIRED`]);
    const read = log.take().filter(({ sql }) => sql.includes('FROM `transfer_approval`'));
    expect(read.map(({ parameters }) => parameters)).toEqual([[client, id]]);
    await leave(streams);
  }, 30_000);
});

describe.each(databases.filter(({ name }) => name !== 'SQLite'))(
  'subscribers of transfers whose $name is away',
  ({ create }) => {
    test('live on, hear of it once, and catch up', async () => {
      const database = await create();
      const app = await openTestApp(database);
      await populate(app, 'acme', { DE: 1 });
      const client = (await app.services.clients.find('acme'))?.id ?? '';
      const proxy = await TcpProxy.to(database.databaseUrl);
      const { REMIT_MASTER_KEY_FILE: masterKeyFile = '', KEYS_DATABASE_URL: keysDatabaseUrl = '' } = app.env;
      const databaseUrl = proxy.through(database.databaseUrl);
      const stores: Stores = await openStores({
        regionalDatabaseUrls: {},
        databaseUrl,
        keysDatabaseUrl,
        masterKeyFile,
        production: false,
      });
      const said: string[] = [];
      const outages = { began: () => said.push('began'), ended: () => said.push('ended') };
      const changes = new TransferChanges(createServices(stores).transfers, outages);
      const streams = await Promise.all([changes.of(client), changes.of(client)]);
      const told = streams.map((stream) => idOf(stream.next()));
      // On a busy machine the first look takes a while.
      await sleep(4_000);
      await proxy.refuse();
      while (said.length === 0) await sleep(50);
      const { id } = approvalIn(await request(app, admin, sccToTheUs));
      await proxy.listen();
      expect(await Promise.all(told)).toEqual([`${id} REQUESTED`, `${id} REQUESTED`]);
      expect(said).toEqual(['began', 'ended']);
      await leave(streams);
      await stores.close();
      await proxy.stop();
      await app.close();
      await database.drop();
    }, 60_000);
  },
);
