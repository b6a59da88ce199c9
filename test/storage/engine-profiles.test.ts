import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { detectEngine, ENGINE_PROFILES, type EngineName } from '../../src/storage/engine-profiles';
import { databases } from '../support/databases';

describe.each(databases)('on $name', ({ name, create }) => {
  test('the engine is recognised, and has the functions its profile claims', async () => {
    const database = await create();
    const dataSource = await openDataSource(database.databaseUrl, {
      variable: 'DATABASE_URL',
      entities: [],
      migrations: [],
    });
    const profile = await detectEngine(dataSource);
    expect(profile.name).toBe(name.toLowerCase());
    await dataSource.query('CREATE TABLE t (id int NOT NULL PRIMARY KEY)');
    const works = (sql: string) =>
      dataSource.query(sql).then(
        () => true,
        () => false,
      );
    expect(await works('SELECT id FROM t FOR UPDATE')).toBe(profile.rowLocks);
    expect(await works('SELECT id FROM t FOR UPDATE SKIP LOCKED')).toBe(profile.skipLocked);
    expect(await works("SELECT GET_LOCK('x', 0)")).toBe(profile.namedLocks);
    expect(await works('SELECT ROW_NUMBER() OVER (ORDER BY id) FROM t')).toBe(profile.windowFunctions);
    await dataSource.destroy();
    await database.drop();
  });
});

describe('by what a server says of itself', () => {
  const wsrep = (on: string, provider: string) => [
    { Variable_name: 'wsrep_on', Value: on },
    { Variable_name: 'wsrep_provider', Value: provider },
  ];

  test.each<[EngineName, string, string, { Variable_name: string; Value: string }[]]>([
    ['mysql', '8.4.3', 'MySQL Community Server - GPL', []],
    ['mariadb', '10.11.6-MariaDB-0+deb12u1', 'Debian 12', wsrep('OFF', 'none')],
    ['mariadb', '10.11.6-MariaDB', 'Debian 12', wsrep('ON', 'none')],
    ['galera', '10.11.6-MariaDB-log', 'Debian 12', wsrep('ON', '/usr/lib/galera/libgalera_smm.so')],
    ['galera', '8.0.36-28.1', 'Percona XtraDB Cluster (GPL)', wsrep('ON', '/usr/lib64/libgalera_smm.so')],
    ['tidb', '8.0.11-TiDB-v8.5.0', 'TiDB Server (Apache License 2.0)', []],
    ['vitess', '8.0.30-Vitess', 'Version: 21.0.0', []],
    ['vitess', '8.0.34', 'PlanetScale', []],
  ])('%s: %s, %s', async (name, version, comment, variables) => {
    const server: Pick<DataSource, 'options' | 'query'> = {
      options: { type: 'mysql' },
      query: async <T>(sql: string) => (sql.startsWith('SHOW') ? variables : [{ version, comment }]) as T,
    };
    expect(await detectEngine(server)).toBe(ENGINE_PROFILES[name]);
  });
});

test('every profile goes by its own name', () => {
  for (const [name, profile] of Object.entries(ENGINE_PROFILES)) expect(profile.name).toBe(name);
});

test('what the engines lack is said (facts: MySQL-protocol engines)', () => {
  expect(ENGINE_PROFILES.tidb.skipLocked).toBe(false);
  expect(ENGINE_PROFILES.vitess.windowFunctions).toBe(false);
  expect(ENGINE_PROFILES.vitess.atomicAcrossClients).toBe(false);
  expect(ENGINE_PROFILES.galera.namedLocks).toBe(false);
  expect(ENGINE_PROFILES.galera.retryAtCommit).toBe(true);
  expect(ENGINE_PROFILES.galera.maxTransactionRows).toBeLessThan(ENGINE_PROFILES.mariadb.maxTransactionRows);
  expect(ENGINE_PROFILES.sqlite.concurrentWriters).toBe(false);
});
