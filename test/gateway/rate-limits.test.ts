import fc from 'fast-check';
import { defaultServerLimits } from '../../src/gateway/limits';
import { RateBudgets, type Shares, WINDOW_MS } from '../../src/gateway/rate-budgets';
import { RateLimits } from '../../src/gateway/rate-limits';
import { RateShares } from '../../src/gateway/rate-shares';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { recordSql } from '../support/sql-log';
import { startServer } from './server-harness';
import { connect } from './socket-client';

const key = Buffer.alloc(32, 3);

describe.each(databases)('budgets that processes share, on $name', ({ create }) => {
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

  /** Processes that know of each other, at a time that a test sets. */
  async function processes(count: number, now: () => number) {
    const { home } = app.stores.regions;
    await home.query('DELETE FROM rate_share');
    const shares = Array.from({ length: count }, () => new RateShares(home, key));
    for (const share of shares) await share.announce(Date.now());
    for (const share of shares) await share.announce(Date.now());
    expect(shares.map((share) => share.processes)).toEqual(shares.map(() => count));
    return shares.map((share) => new RateBudgets(share, (error) => expect(error).toBeUndefined(), now));
  }

  test('however the load is spread, no more than the budget is given in a window, and most of it to one process', async () => {
    let round = 0;
    const load = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 30 })), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 200 }),
        load,
        async (count, size, asked) => {
          const at = ++round * WINDOW_MS;
          const all = await processes(count, () => at);
          const admitted = await Promise.all(
            asked.map(async ([process, amount]) =>
              (await all[process % count]?.take('b', size, amount)) ? amount : 0,
            ),
          );
          expect(admitted.reduce((sum, amount) => sum + amount, 0)).toBeLessThanOrEqual(size);
        },
      ),
      { numRuns: 25 },
    );
    const [first] = await processes(4, () => 0);
    let alone = 0;
    while (await first?.take('alone', 160, 1)) alone++;
    expect(alone).toBe(130);
  });

  test('a budget begins anew with each window, in the same row', async () => {
    let now = 50 * WINDOW_MS;
    const [one, other] = await processes(2, () => now);
    const drain = async () => {
      let taken = 0;
      while ((await one?.take('b', 16, 1)) || (await other?.take('b', 16, 1))) taken++;
      return taken;
    };
    expect([await drain(), await drain()]).toEqual([16, 0]);
    now += WINDOW_MS;
    expect(await drain()).toBe(16);
    expect(await app.stores.regions.home.query('SELECT COUNT(*) AS n FROM rate_share')).toEqual([{ n: 3 }]);
  });

  test('costs nothing below a process’s own share, and a few statements above it', async () => {
    const [one] = await processes(2, () => 90 * WINDOW_MS);
    const sql = recordSql(app.stores.regions.home);
    for (let n = 0; n < 50; n++) expect(await one?.take('b', 400, 1)).toBe(true);
    expect(sql.take()).toEqual([]);
    await Promise.all(Array.from({ length: 500 }, () => one?.take('b', 400, 1)));
    const updates = sql.take().filter(({ sql: text }) => text.includes('UPDATE rate_share'));
    expect(updates).toHaveLength(5);
  });
});

test('where nothing can be leased, a process gives its part of the whole and no more', async () => {
  const failures: unknown[] = [];
  const shares: Shares = { processes: 4, lease: () => Promise.reject(new Error('away')) };
  const budgets = new RateBudgets(
    shares,
    (error) => failures.push(error),
    () => 0,
  );
  let taken = 0;
  while (await budgets.take('b', 100, 1)) taken++;
  expect([taken, failures.length]).toEqual([25, 1]);
});

describe('a server with budgets', () => {
  const rates = (limits: Partial<typeof defaultServerLimits>) => {
    const budgets = new RateBudgets({ processes: 1, lease: async () => false }, undefined, () => 3_000);
    return new RateLimits(budgets, { ...defaultServerLimits, ...limits });
  };

  test('answers 429 with what is used up and until when, and not to others', async () => {
    const server = await startServer({ rates: rates({ operationsPerSecond: 1, clientOperationsPerSecond: 2 }) });
    try {
      const ask = async (sub: string, tenant: string) => {
        const authorization = `Bearer ${await server.token({ sub, tenant })}`;
        return server.post({ query: '{ greeting }' }, { authorization });
      };
      const statuses = [];
      for (let n = 0; n < 10; n++) statuses.push((await ask('mara', 'northwind')).status);
      expect(new Set(statuses)).toEqual(new Set([200]));
      const refused = await ask('mara', 'northwind');
      expect(refused.status).toBe(429);
      expect(refused.body.errors?.[0]?.extensions.code).toBe('RATE_LIMITED');
      expect(refused.headers).toMatchObject({
        'retry-after': '7',
        'ratelimit-policy': '"principal-operations";q=10;w=10',
        ratelimit: '"principal-operations";r=0;t=7',
      });
      for (let n = 0; n < 10; n++) expect((await ask('jonas', 'northwind')).status).toBe(200);
      const client = await ask('ida', 'northwind');
      expect([client.status, client.headers['ratelimit-policy']]).toEqual([429, '"client-operations";q=20;w=10']);
      expect((await ask('ida', 'southwind')).status).toBe(200);
      expect((await server.post({ query: '{ greeting }' })).status).toBe(200);
    } finally {
      await server.close();
    }
  });

  test('counts what operations cost, the short way and through Apollo Server', async () => {
    const server = await startServer({ rates: rates({ costPerSecond: 2 }) });
    try {
      const authorization = `Bearer ${await server.token()}`;
      const headers = { authorization, 'processing-purpose': 'SUPPORT' };
      const query = '{ customers(first: 9) { id } }';
      for (let n = 0; n < 2; n++) expect((await server.post({ query }, headers)).status).toBe(200);
      for (const body of [{ query }, { query, extensions: { persistedQuery: null } }, { query: `${query} ` }]) {
        const refused = await server.post(body, headers);
        expect([refused.status, refused.body.errors?.[0]?.extensions.code]).toEqual([429, 'RATE_LIMITED']);
        expect(refused.headers.ratelimit).toBe('"principal-cost";r=0;t=7');
      }
    } finally {
      await server.close();
    }
  });

  test('refuses an operation on a WebSocket with the same code', async () => {
    const server = await startServer({ rates: rates({ operationsPerSecond: 1 }) });
    const socket = await connect(server.url);
    try {
      await socket.init({ authorization: `Bearer ${await server.token()}` });
      let last: unknown;
      for (let n = 0; n < 11; n++) {
        socket.subscribe(String(n), '{ greeting }');
        last = await socket.next();
        if (n < 10) expect(await socket.next()).toEqual({ id: String(n), type: 'complete' });
      }
      expect(last).toMatchObject({ type: 'error', id: '10', payload: [{ extensions: { code: 'RATE_LIMITED' } }] });
    } finally {
      socket.close();
      await server.close();
    }
  });
});
