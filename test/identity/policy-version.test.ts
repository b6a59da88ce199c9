import { bumpPolicy, policyVersions } from '../../src/identity/policy-version';
import { inTransaction } from '../../src/storage/transaction';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { TcpProxy } from '../support/tcp-proxy';

describe.each(databases)('versions of the policy on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    client = (await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const bump = () => inTransaction(app.stores.regions.home, (manager) => bumpPolicy(manager, client));

  test('requests at once are read together, in a few statements', async () => {
    // Where the client is hosted is known from then on.
    await policyVersions(app.stores.regions, client);
    const sql = recordSql(app.stores.regions.home);
    const versions = await Promise.all(Array.from({ length: 100 }, () => policyVersions(app.stores.regions, client)));
    expect(sql.take().length).toBeLessThanOrEqual(3);
    expect(new Set(versions.map((version) => JSON.stringify(version))).size).toBe(1);
  });

  test('whoever asks sees every change that was made before, whatever is under way', async () => {
    for (let round = 0; round < 20; round++) {
      const { client: before } = await policyVersions(app.stores.regions, client);
      const underWay = Array.from({ length: 5 }, () => policyVersions(app.stores.regions, client));
      await bump();
      const after = await Promise.all([
        policyVersions(app.stores.regions, client),
        policyVersions(app.stores.regions, client),
      ]);
      expect(after.map((version) => version.client)).toEqual([before + 1, before + 1]);
      for (const version of await Promise.all(underWay)) expect([before, before + 1]).toContain(version.client);
    }
  });

  if (name === 'MariaDB') {
    test('a read whose connection has fallen silent holds nobody up', async () => {
      const proxy = await TcpProxy.to(database.databaseUrl);
      const other = await app.replica({
        databaseUrl: proxy.through(database.databaseUrl),
        keysDatabaseUrl: database.keysDatabaseUrl,
      });
      const ask = () => policyVersions(other.stores.regions, client);
      const before = await ask();
      proxy.silenceNext();
      const asked = Array.from({ length: 20 }, ask);
      await bump();
      await Promise.all([...asked, ask()]);
      expect(await ask()).toEqual({ ...before, client: before.client + 1 });
      // Those who wait for the limit of the statement see the connection destroyed.
      expect(proxy.silent).toBe(1);
      await proxy.stop();
      await other.close();
    });
  }

  test('a client is not told the version of another, nor one that has none', async () => {
    const other = (await app.services.clients.register({ slug: 'globex', name: 'Globex' }, 'test')).id;
    await bump();
    const [own, others, nobodys] = await Promise.all([
      policyVersions(app.stores.regions, client),
      policyVersions(app.stores.regions, other),
      policyVersions(app.stores.regions, undefined),
    ]);
    expect(own.client).toBeGreaterThan(others.client);
    expect(nobodys).toEqual({ register: own.register, client: 0 });
  });
});
