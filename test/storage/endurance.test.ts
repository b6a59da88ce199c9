import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { policyVersions } from '../../src/identity/policy-version';
import { openDataSource } from '../../src/storage/data-source';
import { failureOf } from '../../src/storage/failures';
import { faultOf } from '../../src/storage/health';
import { poolCounts } from '../../src/storage/pool-use';
import { Regions } from '../../src/storage/regions';
import { runStatement } from '../../src/storage/statements';
import { inTransaction } from '../../src/storage/transaction';
import { databases, type TestDatabase } from '../support/databases';
import { TcpProxy } from '../support/tcp-proxy';

const servers = databases.filter(({ name }) => name !== 'SQLite');
const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };

describe.each(servers)('nothing waits for ever: $name', ({ create }) => {
  let database: TestDatabase;
  let proxies: TcpProxy[] = [];
  const opened: DataSource[] = [];

  beforeAll(async () => {
    database = await create();
    const source = await openDataSource(database.databaseUrl, options);
    await source.query('CREATE TABLE policy_version (scope varchar(64) PRIMARY KEY, version bigint NOT NULL)');
    await source.query("INSERT INTO policy_version VALUES ('register', 7)");
    await source.query('CREATE TABLE note (id int PRIMARY KEY AUTO_INCREMENT, text varchar(64) NOT NULL)');
    await source.destroy();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((source) => source.destroy()));
    await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
  });
  afterAll(() => database.drop());

  const target = () => Number(new URL(database.databaseUrl).port);
  const proxied = async (parameters: string, hosts = 1): Promise<DataSource> => {
    proxies = await Promise.all(Array.from({ length: hosts }, () => TcpProxy.start(target())));
    const list = proxies.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const url = database.databaseUrl.replace(`127.0.0.1:${target()}`, list);
    const source = await openDataSource(`${url}?${parameters}`, options);
    opened.push(source);
    return source;
  };
  const [first, second] = [0, 1].map((index) => () => proxies[index] as TcpProxy) as [() => TcpProxy, () => TcpProxy];
  /** As a caller of its own, so that the statements count as this test's. */
  const query = async (source: DataSource | EntityManager, sql: string, parameters?: unknown[]) =>
    await source.query(sql, parameters);
  const prepared = async (source: DataSource, sql: string, parameters: unknown[]) =>
    await runStatement(source, sql, parameters);
  /** Opens several connections, all idle in the end. */
  const warm = (source: DataSource, connections = 4) =>
    Promise.all(Array.from({ length: connections }, () => query(source, 'SELECT SLEEP(0.2)')));
  const failure = async (work: Promise<unknown>) => {
    try {
      await work;
      return undefined;
    } catch (error) {
      return failureOf(error);
    }
  };
  const until = async (met: () => boolean) => {
    for (let tries = 0; tries < 3_000 && !met(); tries++) await sleep(10);
    expect(met()).toBe(true);
  };

  it('a connection that falls silent under the policy read holds nobody up, and is destroyed', async () => {
    const source = await proxied('statement-timeout=0.5');
    const regions = new Regions(source);
    await warm(source);
    expect(await policyVersions(regions, undefined)).toEqual({ register: 7, client: 0 });
    first().silenceNext();
    expect(await policyVersions(regions, undefined)).toEqual({ register: 7, client: 0 });
    await until(() => first().silent === 0 && poolCounts(source)?.used === 0);
    expect(await policyVersions(regions, undefined)).toEqual({ register: 7, client: 0 });
    expect(await faultOf(source)).toBeUndefined();
  });

  it('all connections fall silent: the idle ones are found out by the first that is used', async () => {
    const source = await proxied('statement-timeout=0.5&connect-timeout=0.5');
    await warm(source);
    first().silence();
    expect(await failure(prepared(source, 'SELECT ?', ['x']))).toBe('UNAVAILABLE');
    await until(() => first().silent === 0);
    expect(await query(source, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(poolCounts(source)).toMatchObject({ used: 0, waiting: 0 });
  });

  it('a server that accepts connections and says nothing is unavailable, and serves as soon as it speaks', async () => {
    const source = await proxied('statement-timeout=0.8&connect-timeout=0.8');
    await warm(source);
    first().silence({ newOnes: true });
    const asked = Array.from({ length: 8 }, (_, index) => prepared(source, 'SELECT ?', [String(index)]));
    expect(new Set(await Promise.all(asked.map(failure)))).toEqual(new Set(['UNAVAILABLE']));
    expect(await faultOf(source)).toBe('does not answer');
    await first().heal();
    expect(await query(source, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it.each(['START TRANSACTION', 'INSERT'])('a transaction falls silent at its %s, and runs again', async (at) => {
    const source = await proxied('statement-timeout=0.5&pool-size=1');
    const text = `silent at ${at}`;
    let runs = 0;
    if (at === 'START TRANSACTION') first().silenceNext();
    await inTransaction(source, async (manager) => {
      if (at === 'INSERT' && runs++ === 0) first().silenceNext();
      await query(manager, 'INSERT INTO note (text) VALUES (?)', [text]);
    });
    expect(await query(source, 'SELECT text FROM note WHERE text = ?', [text])).toEqual([{ text }]);
    expect(poolCounts(source)).toMatchObject({ used: 0, idle: 1 });
  });

  it('a transaction falls silent at its COMMIT, and does not run again', async () => {
    const source = await proxied('statement-timeout=0.5&pool-size=1');
    const work = inTransaction(source, async (manager) => {
      await query(manager, "INSERT INTO note (text) VALUES ('silent')");
      first().silenceNext();
    });
    expect(await failure(work)).toBe('UNAVAILABLE');
    expect(await query(source, "SELECT text FROM note WHERE text = 'silent'")).toEqual([]);
    expect(poolCounts(source)).toMatchObject({ used: 0, idle: 1 });
  });

  it('a transaction whose work never ends loses its connection, and others go on', async () => {
    const source = await proxied('statement-timeout=0.2&pool-size=1');
    const never = inTransaction(source, async (manager) => {
      await query(manager, "INSERT INTO note (text) VALUES ('never')");
      await sleep(1_500);
      await query(manager, 'SELECT 1');
    });
    const outcome = failure(never);
    // It waits for the only connection, and then for nothing that the transaction locked.
    await inTransaction(source, (manager) => query(manager, "DELETE FROM note WHERE text = 'never'"));
    expect(await outcome).toBe('UNAVAILABLE');
  });

  it('waiting for a connection ends, and too many waiting are refused at once', async () => {
    const source = await proxied('pool-size=1&pool-wait=0.3&pool-queue=2');
    const slow = query(source, 'SELECT SLEEP(1)');
    await until(() => poolCounts(source)?.used === 1);
    const waiting = [1, 2, 3].map((each) => prepared(source, 'SELECT ?', [String(each)]));
    const messages = await Promise.all(waiting.map((one) => one.catch((error: Error) => String(error.cause))));
    const late = 'StoreUnavailableError: no connection became free in time';
    expect(messages).toEqual([late, late, 'StoreUnavailableError: too many wait for a connection']);
    await slow;
    expect(await query(source, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('closing ends, whatever statement is under way', async () => {
    const source = await proxied('statement-timeout=60');
    await warm(source);
    first().silence();
    const stuck = failure(query(source, 'SELECT 1'));
    await until(() => poolCounts(source)?.used === 1);
    await opened.pop()?.destroy();
    expect(await stuck).toBe('UNAVAILABLE');
    await until(() => first().open === 0);
  });

  it('a server that is started again is used again', async () => {
    const source = await proxied('');
    await warm(source);
    await first().refuse();
    expect(await failure(query(source, 'SELECT 1'))).toBe('UNAVAILABLE');
    await first().listen();
    expect(await query(source, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await inTransaction(source, (manager) => query(manager, 'SELECT 2 AS two'))).toEqual([{ two: 2 }]);
  });

  describe('of two hosts', () => {
    it('the second serves while the first is away, also from the start', async () => {
      const source = await proxied('', 2);
      expect([first().open > 0, second().open]).toEqual([true, 0]);
      await first().refuse();
      expect(await query(source, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      const late = await openDataSource(database.databaseUrl.replace(/127.0.0.1:\d+/, hostList()), options);
      opened.push(late);
      expect(await inTransaction(late, (manager) => query(manager, 'SELECT 2 AS two'))).toEqual([{ two: 2 }]);
    });

    it('a read whose host dies under it is answered by the other; a write is not sent twice', async () => {
      const source = await proxied('', 2);
      await warm(source, 3);
      const read = query(source, 'SELECT SLEEP(0.4) AS slept');
      const again = prepared(source, 'SELECT SLEEP(0.4) AS slept, ? AS text', ['x']);
      const write = failure(query(source, "INSERT INTO note (text) SELECT IF(SLEEP(0.4), '', 'once')"));
      await until(() => poolCounts(source)?.used === 3);
      await first().refuse();
      expect(await read).toEqual([{ slept: 0 }]);
      expect(await again).toEqual([{ slept: 0, text: 'x' }]);
      expect(await write).toBe('UNAVAILABLE');
      await sleep(600);
      const rows = await query(source, "SELECT text FROM note WHERE text = 'once'");
      expect(rows.length).toBeLessThanOrEqual(1);
    });

    it('every acknowledged write is kept while hosts are killed in turn under load', async () => {
      const source = await proxied('pool-size=4', 2);
      const acknowledged: string[] = [];
      let stop = false;
      const writer = async (name: string) => {
        for (let count = 0; !stop; count++) {
          const text = `${name}-${count}`;
          const done = await inTransaction(source, (manager) =>
            query(manager, 'INSERT INTO note (text) VALUES (?)', [text]),
          ).then(
            () => true,
            (error) => {
              expect(failureOf(error)).toBe('UNAVAILABLE');
              return false;
            },
          );
          if (done) acknowledged.push(text);
        }
      };
      const load = ['a', 'b', 'c', 'd', 'e', 'f'].map(writer);
      for (const proxy of [first(), second(), first()]) {
        const before = acknowledged.length;
        await until(() => acknowledged.length > before + 20);
        await proxy.refuse();
        const during = acknowledged.length;
        await until(() => acknowledged.length > during + 20);
        await proxy.listen();
      }
      stop = true;
      await Promise.all(load);
      const rows = await source.query<Array<{ text: string }>>("SELECT text FROM note WHERE text LIKE '_-%'");
      const kept = new Map<string, number>();
      for (const { text } of rows) kept.set(text, (kept.get(text) ?? 0) + 1);
      expect(acknowledged.filter((text) => kept.get(text) !== 1)).toEqual([]);
    });
  });

  function hostList(): string {
    return proxies.map(({ port }) => `127.0.0.1:${port}`).join(',');
  }
});
