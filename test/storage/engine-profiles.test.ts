import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { dialectOf } from '../../src/storage/dialect';
import {
  detectEngine,
  ENGINE_PROFILES,
  type EngineName,
  type EngineProfile,
  itemsPerTransaction,
} from '../../src/storage/engine-profiles';
import { StoreSessions } from '../../src/storage/session';
import { affectedRows, insertStatement } from '../../src/storage/sql';
import { inTransaction } from '../../src/storage/transaction';
import { databases } from '../support/databases';

describe.each(databases)('on $name', ({ name, create }) => {
  test('the engine is recognised, and understands its dialect', async () => {
    const database = await create();
    const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };
    const source = await openDataSource(database.databaseUrl, options);
    expect(await detectEngine(source)).toBe(ENGINE_PROFILES[name.toLowerCase() as EngineName]);
    const dialect = dialectOf(source);
    expect(dialect.embedded).toBe(name === 'SQLite');
    await source.query(`CREATE TABLE t (id int NOT NULL PRIMARY KEY, content ${dialect.blob})`);
    const twice = await inTransaction(source, async (manager) => {
      expect(dialectOf(manager)).toBe(dialect);
      await manager.query(`SELECT id FROM t WHERE id = 1${dialect.forUpdate}`);
      await manager.query(insertStatement('t', ['id', 'content'], 2), [1, null, 2, Buffer.alloc(70_000)]);
      const again = insertStatement('t', ['id', 'content'], 2, dialect.insertIgnore);
      return affectedRows(manager, again, [2, null, 3, null]);
    });
    expect(twice).toBeLessThan(2);
    const kept = await source.query<Array<{ id: number; size: number | null }>>(
      `SELECT id, LENGTH(content) AS size FROM t ORDER BY id`,
    );
    expect(kept).toEqual([
      { id: 1, size: null },
      { id: 2, size: 70_000 },
      { id: 3, size: null },
    ]);
    const [clock] = await source.query<Array<{ now: number }>>(`SELECT ${dialect.now} AS now`);
    expect(Math.abs(Number(clock?.now) - Date.now() / 1000)).toBeLessThan(3_600);
    const columns = await source.query<Array<{ owner: string; name: string }>>(dialect.columns);
    expect(columns.filter(({ owner }) => owner === 't').map((column) => column.name)).toEqual(['id', 'content']);
    await source.destroy();
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

describe('a session has the limits that its server knows', () => {
  const locks = 'innodb_lock_wait_timeout = 4, lock_wait_timeout = 4';
  const seconds = { settings: `${locks}, max_statement_time = 5.001`, longer: 'max_statement_time = 30' };
  const milliseconds = { settings: `${locks}, max_execution_time = 5001`, longer: 'max_execution_time = 30000' };
  const causal = { settings: `${locks}, wsrep_sync_wait = 7, max_execution_time = 5001`, longer: milliseconds.longer };
  const cluster = ['wsrep_on', 'wsrep_provider'];
  test.each<[string, string, string[], { settings?: string; longer?: string }]>([
    ['8.4.3', 'MySQL', ['max_execution_time'], milliseconds],
    ['10.11', 'MariaDB', ['max_statement_time'], seconds],
    ['8.0.11-TiDB', 'TiDB', ['max_execution_time'], milliseconds],
    ['8.0.36', 'Percona XtraDB Cluster', [...cluster, 'max_execution_time'], causal],
    ['5.6.0', 'An old MySQL', [], { settings: locks }],
    ['8.0.30-Vitess', 'Vitess', ['max_execution_time'], {}],
  ])('%s, %s', async (version, comment, variables, { settings, longer }) => {
    const sent: string[] = [];
    const answers: ReadonlyArray<readonly [RegExp, unknown]> = [
      [/sql_mode/, [{ mode: 'STRICT_TRANS_TABLES' }]],
      [/VERSION/, [{ version, comment }]],
      [/^SHOW/, variables.map((name) => ({ Variable_name: name, Value: name === 'wsrep_provider' ? '/lib' : 'ON' }))],
      [/PROCESSLIST/, [{ id: 3, peer: 'here:1' }]],
    ];
    const session = await new StoreSessions().prepare(
      async <T>(sql: string) => {
        if (sql.startsWith('SET')) sent.push(sql);
        return answers.find(([asked]) => asked.test(sql))?.[1] as T;
      },
      { statementMs: 5_001, severalHosts: false },
    );
    expect(sent).toEqual(settings === undefined ? [] : [`SET SESSION ${settings}`]);
    expect(session.limitedTo?.(30_000)).toBe(longer && `SET SESSION ${longer}`);
    expect(session.known).toEqual(version.includes('Vitess') ? undefined : { id: 3, peer: 'here:1' });
  });
});

test('a transaction takes what is wanted, within the engine’s bound on rows', () => {
  const take = (profile: EngineProfile, wanted: number, rowsEach?: number) =>
    itemsPerTransaction(profile, wanted, rowsEach);
  const { galera, mariadb, tidb } = ENGINE_PROFILES;
  expect(take(mariadb, 2_000)).toBe(2_000);
  expect(take(galera, 2_000)).toBe(1_000);
  expect(take(galera, 2_000, 7)).toBe(142);
  expect(take(tidb, 7)).toBe(7);
  // One item goes in whatever the bound is: it cannot be cut.
  expect(take(galera, 2_000, 5_000)).toBe(1);
});
