import { Registry } from 'prom-client';
import { measureInstallation } from '../../src/gateway/installation-metrics';
import { poolCounts } from '../../src/storage/pool-use';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

describe.each(databases)('what an operator sees of an installation on $name', ({ name, create }) => {
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

  it('are connections in use, at rest and waited for; none of the embedded one', async () => {
    const { home } = app.stores.regions;
    if (name === 'SQLite') {
      expect(poolCounts(home)).toBeUndefined();
      return;
    }
    const queries = Array.from({ length: 6 }, async () => await home.query('SELECT SLEEP(2)'));
    for (let tries = 0; tries < 100 && poolCounts(home)?.used !== 4; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(poolCounts(home)).toMatchObject({ used: 4, idle: 0, waiting: 2, limit: 4 });
    await Promise.all(queries);
    expect(poolCounts(home)).toMatchObject({ used: 0, idle: 4, waiting: 0 });
  });

  it('are the version, and how far the ledger is behind', async () => {
    const registry = new Registry();
    const { ledger, recorder } = app.services;
    measureInstallation(registry, {
      storeLogs: async () => [],
      deadNotices: async () => 0,
      ledger: async () => ({ ...(await ledger.lag()), unanchored: 0 }),
      pools: () => [{ store: 'data', used: 1, idle: 2, waiting: 3, limit: 4 }],
    });
    expect(await registry.metrics()).toContain('remit_audit_waiting_entries 0\n');
    const recorded = recorder.record('GRANT_GIVEN', { principal: 'test', details: {} });
    await recorded;
    const text = await registry.metrics();
    for (const line of [
      /remit_build_info\{version="\d+\.\d+\.\d+",node="\d+\.\d+\.\d+"\} 1/,
      /remit_audit_lag_seconds 0\n/,
      /remit_audit_unanchored_entries 0\n/,
      /remit_database_connections\{store="data",state="used"\} 1/,
      /remit_database_connections\{store="data",state="idle"\} 2/,
      /remit_database_connections_limit\{store="data"\} 4/,
      /remit_database_waiting\{store="data"\} 3/,
    ]) {
      expect(text).toMatch(line);
    }
  });
});
