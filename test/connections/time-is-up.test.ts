import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { DataSource } from 'typeorm';
import { Lease } from '../../src/connections/lease';
import { type PreparedSession, type Sessions, StorePool } from '../../src/connections/pool';
import { withMoreTime } from '../../src/connections/time';
import { openDataSource } from '../../src/storage/data-source';
import { failureOf } from '../../src/storage/failures';
import { StoreSessions } from '../../src/storage/session';
import { runStatement } from '../../src/storage/statements';
import { parseStoreUrl } from '../../src/storage/store-url';
import { inTransaction } from '../../src/storage/transaction';
import { databases, type TestDatabase } from '../support/databases';
import { TcpProxy } from '../support/tcp-proxy';

const servers = databases.filter(({ name }) => name !== 'SQLite');
const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };
/** Takes about a minute, and has a name. */
const endless = (name: string) => `(SELECT COUNT(*) FROM seq_1_to_20000000000 WHERE seq <> ? AND '${name}' <> '')`;

describe.each(servers)('a statement whose time is up ends on the server too: $name', ({ create }) => {
  let database: TestDatabase;
  let source: DataSource;
  beforeAll(async () => {
    database = await create();
    source = await openDataSource(`${database.databaseUrl}?statement-timeout=0.5&pool-size=1`, options);
    await source.query('CREATE TABLE note (id int PRIMARY KEY, count bigint NOT NULL)');
    await source.query('INSERT INTO note VALUES (1, 0)');
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  /** As another program, which Remit knows nothing of. */
  const directly = async (sql: string) => {
    const connection = await createConnection(database.databaseUrl);
    try {
      const [rows] = await connection.query(sql);
      return rows as Array<Record<string, unknown>>;
    } finally {
      connection.destroy();
    }
  };
  const running = async (name: string) =>
    (await directly('SELECT ID AS id, INFO AS text FROM information_schema.PROCESSLIST')).filter(({ text }) =>
      String(text).includes(`'${name}'`),
    );
  /** The server answers before it forgets what it ran. */
  const endedOnServer = async (name: string) => {
    for (let looks = 1; looks < 100 && (await running(name)).length > 0; looks++) await sleep(20);
    expect(await running(name)).toEqual([]);
  };
  const sessionOf = async () => {
    const [row] = await source.query<Array<{ id: number }>>('SELECT CONNECTION_ID() AS id');
    return row?.id;
  };
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  const cut: Array<[string, (name: string) => Promise<unknown>]> = [
    ['a read', (name) => source.query(`SELECT ${endless(name)} AS n`, [1])],
    ['a prepared read', (name) => runStatement(source, `SELECT ${endless(name)} AS n, ? AS text`, ['0', 'x'])],
    ['a write', (name) => source.query(`UPDATE note SET count = ${endless(name)} WHERE id = 1`, [1])],
    [
      'a write of a transaction',
      (name) =>
        inTransaction(source, async (manager) => {
          await manager.query('UPDATE note SET count = 7 WHERE id = 1');
          await manager.query(`INSERT INTO note SELECT 2, ${endless(name)}`, [1]);
        }),
    ],
  ];
  it.each(cut)('%s', async (name, ask) => {
    const session = await sessionOf();
    const error = await failure(ask(name));
    expect(failureOf(error)).toBe('UNAVAILABLE');
    expect(error).toMatchObject({ driverError: { errno: 1969 } });
    await endedOnServer(name);
    expect(await sessionOf()).toBe(session);
    expect(await directly('SELECT id, count FROM note')).toEqual([{ id: 1, count: 0 }]);
  });

  it('what nobody waits for has its own limit, on the same connection', async () => {
    const takes = (seconds: number) => source.query(`SELECT SLEEP(${seconds}) AS ended_early`);
    const session = await sessionOf();
    expect(await withMoreTime('background', () => takes(0.8))).toEqual([{ ended_early: 0 }]);
    const wait = () => source.query<unknown>('SELECT @@max_statement_time AS s');
    expect(await withMoreTime('migration', wait)).toEqual([{ s: 3_600 }]);
    expect(await withMoreTime('command', () => inTransaction(source, (manager) => manager.query('SELECT 1')))).toEqual([
      { 1: 1 },
    ]);
    expect(failureOf(await failure(source.query(`SELECT ${endless('short again')} AS n`, [1])))).toBe('UNAVAILABLE');
    await endedOnServer('short again');
    expect(await wait()).toEqual([{ s: 0.5 }]);
    expect(await sessionOf()).toBe(session);
  });

  /** A pool whose server ends no statement by itself, as MySQL does with a write. */
  const unlimited = (url: string, known: (session: PreparedSession['known']) => PreparedSession['known']) => {
    const address = parseStoreUrl(`${url}?statement-timeout=0.5&connect-timeout=1`, 'DATABASE_URL');
    if (address.kind !== 'mysql') throw new Error('a server');
    const sessions: Sessions = {
      prepare: async (ask, session) => {
        const prepared = await new StoreSessions().prepare(ask, session);
        await ask('SET SESSION max_statement_time = 0');
        const own = known(prepared.known);
        return own ? { known: own } : {};
      },
    };
    const { user, password, database: name } = address;
    return new StorePool(address, sessions, { user, password, database: name });
  };
  const ask = async (pool: StorePool, ...statements: string[]) => {
    const lease = new Lease(pool, await pool.acquire());
    try {
      for (const sql of statements) await lease.run({ sql, parameters: [1], prepared: false });
    } finally {
      lease.release();
    }
  };
  const until = async (condition: () => Promise<boolean>) => {
    for (let tries = 0; tries < 100 && !(await condition()); tries++) await sleep(50);
    expect(await condition()).toBe(true);
  };
  const ended = (pool: StorePool) => new Promise<void>((resolve) => pool.end(resolve));

  it('where the server does not end it by itself, its session is ended', async () => {
    const pool = unlimited(database.databaseUrl, (session) => session);
    const name = 'ended from outside';
    const writing = failure(ask(pool, 'START TRANSACTION', `UPDATE note SET count = ${endless(name)} WHERE id = 1`));
    await until(async () => (await running(name)).length === 1);
    expect(failureOf(await writing)).toBe('UNAVAILABLE');
    await until(async () => (await running(name)).length === 0);
    // Nothing keeps the row's lock.
    await source.query('UPDATE note SET count = 0 WHERE id = 1');
    await ended(pool);
  });

  it('no other session is, though it has the same number', async () => {
    const pool = unlimited(database.databaseUrl, (session) => session && { ...session, peer: '192.0.2.1:4711' });
    const name = 'of another server';
    expect(failureOf(await failure(ask(pool, `SELECT ${endless(name)} AS n`)))).toBe('UNAVAILABLE');
    await sleep(500);
    const [left] = await running(name);
    expect(left).toBeDefined();
    await directly(`KILL ${left?.id}`);
    await ended(pool);
  });

  it('where the network swallowed a transaction, its locks go as soon as the host is reached again', async () => {
    const proxy = await TcpProxy.to(database.databaseUrl);
    const pool = unlimited(proxy.through(database.databaseUrl), (session) => session);
    const lease = new Lease(pool, await pool.acquire());
    for (const sql of ['START TRANSACTION', 'UPDATE note SET count = 9 WHERE id = 1']) {
      await lease.run({ sql, parameters: [], prepared: false });
    }
    proxy.silence({ newOnes: true });
    const lost = lease.run({ sql: 'SELECT 1', parameters: [], prepared: false });
    expect(failureOf(await failure(lost))).toBe('UNAVAILABLE');
    lease.release();
    await proxy.heal();
    await until(async () => (await directly('SELECT id FROM note FOR UPDATE SKIP LOCKED')).length === 1);
    expect(await directly('SELECT count FROM note')).toEqual([{ count: 0 }]);
    await ended(pool);
    await proxy.stop();
  });
});
