import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { type Connection, createConnection } from 'mysql2/promise';
import { type App, openApp } from '../../src/app';
import { readConfig } from '../../src/config';
import { createServer } from '../../src/gateway/server';
import { type Installation, openInstallation } from '../erasure/installation';
import { type Issuer, startIssuer } from '../identity/issuer';
import { databases, type TestDatabase } from '../support/databases';
import { startMariaDb, type TestServer } from '../support/mariadb';
import { TcpProxy } from '../support/tcp-proxy';

jest.setTimeout(120_000);

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly data: unknown;
  readonly codes: readonly unknown[];
  /** What became of a write that failed. */
  readonly writes: readonly unknown[];
}

const query = '{ customers(first: 5) { nodes { firstName } } }';
const mutation = 'mutation { createCustomer(input: { firstName: "Bo", residency: "DE" }) { customer { id } } }';
const away = {
  status: 503,
  retryAfter: expect.stringMatching(/^\d+$/),
  codes: [expect.stringMatching(/^(SERVICE_UNAVAILABLE|AUDIT_UNAVAILABLE|TIMEOUT)$/)],
};

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer(['EdDSA']);
});
afterAll(() => issuer.close());

/** A whole server in this process. */
class Running {
  readonly #server: FastifyInstance;
  readonly #url: string;

  private constructor(
    readonly app: App,
    server: FastifyInstance,
    private readonly token: string,
  ) {
    this.#server = server;
    this.#url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  }

  static async start(env: Readonly<Record<string, string>>): Promise<Running> {
    const app = await openApp(readConfig({ ...env, OIDC_ISSUER: issuer.url, LOG_LEVEL: 'silent' }));
    const server = await createServer(app.serverOptions);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const claims = { sub: 'admin', tenant: 'acme', roles: ['CLIENT_ADMIN'], scope: 'purpose:SUPPORT', country: 'DE' };
    return new Running(app, server, await issuer.sign(claims));
  }

  async ask(document: string): Promise<Answer> {
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.token}`,
        'processing-purpose': 'SUPPORT',
      },
      body: JSON.stringify({ query: document }),
    });
    const { data, errors = [] } = (await response.json()) as {
      data?: unknown;
      errors?: Array<{ extensions: { code: unknown; write?: unknown } }>;
    };
    const codes = errors.map(({ extensions }) => extensions.code);
    const writes = errors.map(({ extensions }) => extensions.write);
    return { status: response.status, retryAfter: response.headers.get('retry-after'), data, codes, writes };
  }

  async faults(): Promise<readonly string[]> {
    const response = await fetch(`${this.#url}/readyz`);
    const { faults = [] } = (await response.json()) as { faults?: string[] };
    expect(response.status).toBe(faults.length === 0 ? 200 : 503);
    return faults;
  }

  /** Asks until it is answered again, as a load balancer does. */
  async recovered(): Promise<void> {
    while ((await this.faults()).length > 0 || (await this.ask(query)).status !== 200) await sleep(50);
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.app.close();
  }
}

async function prepare(database: TestDatabase): Promise<Installation> {
  const installation = await openInstallation(database);
  const { clients, customers } = installation.services;
  const { id } = await clients.register({ slug: 'acme', name: 'Acme' }, 'test');
  await customers.create(id, { firstName: 'Ada', residency: 'DE' }, 'test');
  return installation;
}

describe.each(databases.filter(({ name }) => name === 'MariaDB'))('a $name that is away', () => {
  // A server of its own: settings are global, and it is killed in the end.
  let mariadb: TestServer;
  let root: Connection;
  let installation: Installation;
  let [data, keys]: TcpProxy[] = [];
  let running: Running;

  beforeAll(async () => {
    const started = await startMariaDb();
    if (!started) throw new Error('there is no MariaDB');
    mariadb = started;
    root = await createConnection({ uri: mariadb.url, multipleStatements: true });
    // Whoever has all privileges may write where a server is read-only.
    await root.query(`CREATE DATABASE data; CREATE DATABASE keystore; CREATE USER remit@'127.0.0.1';
      GRANT ALL ON data.* TO remit@'127.0.0.1'; GRANT ALL ON keystore.* TO remit@'127.0.0.1'`);
    const url = mariadb.url.replace('root@', 'remit@');
    installation = await prepare({
      databaseUrl: `${url}data`,
      keysDatabaseUrl: `${url}keystore`,
      drop: async () => undefined,
    });
    data = await TcpProxy.to(url);
    keys = await TcpProxy.to(url);
    running = await Running.start({
      ...installation.env,
      DATABASE_URL: `${data.through(`${url}data`)}?statement-timeout=1`,
      KEYS_DATABASE_URL: keys.through(`${url}keystore`),
    });
    await running.recovered();
  }, 120_000);
  afterAll(async () => {
    await running.close();
    root.destroy();
    await mariadb.stop();
    await installation.close().catch(() => undefined);
    await data?.stop();
    await keys?.stop();
  });

  const killAll = async () => {
    const [rows] = await root.query("SELECT id FROM information_schema.processlist WHERE user = 'remit'");
    for (const { id } of rows as Array<{ id: number }>) await root.query(`KILL ${id}`).catch(() => undefined);
  };
  const taken: Connection[] = [];
  const ways: Record<string, { begin(): Promise<void>; end(): Promise<void>; fault: RegExp; reads?: boolean }> = {
    'takes no more connections': {
      begin: async () => {
        await root.query('SET GLOBAL max_connections = 10');
        await killAll();
        for (;;) {
          const connection = await createConnection(mariadb.url.replace('root@', 'remit@')).catch(() => undefined);
          if (!connection) return;
          connection.on('error', () => undefined);
          taken.push(connection);
        }
      },
      end: async () => {
        await root.query('SET GLOBAL max_connections = 400');
        for (const connection of taken.splice(0)) connection.destroy();
      },
      fault: /^the data database does not answer|^the keys' store does not answer/,
    },
    'is read-only': {
      begin: async () => void (await root.query('SET GLOBAL read_only = 1')),
      end: async () => void (await root.query('SET GLOBAL read_only = 0')),
      fault: /^the data database is read-only \(read_only is ON\)$/,
    },
    'refuses connections': {
      begin: async () => data?.refuse(),
      end: async () => data?.heal(),
      fault: /^the data database does not answer/,
    },
    'is silent': {
      begin: async () => data?.silence({ newOnes: true }),
      end: async () => data?.heal(),
      fault: /^the data database does not answer/,
    },
    'has lost its keys': {
      begin: async () => keys?.refuse(),
      end: async () => keys?.heal(),
      fault: /^the keys' store does not answer/,
      // Keys of persons read a moment ago are still known.
      reads: true,
    },
  };

  test.each(Object.keys(ways))(
    'that %s: 503 with retry-after, no data, /readyz says why, and it comes back',
    async (name) => {
      const way = ways[name];
      await way?.begin();
      try {
        expect(await running.faults()).toContainEqual(expect.stringMatching(way?.fault ?? ''));
        const [read, written] = await Promise.all([running.ask(query), running.ask(mutation)]);
        expect(written).toMatchObject(away);
        expect(written.data ?? null).toBeNull();
        if (way?.reads) return;
        expect(read).toMatchObject(away);
        expect(read.data ?? null).toBeNull();
      } finally {
        await way?.end();
      }
      await running.recovered();
    },
  );

  test('whose statement takes too long: 503, the write is said to be undone, and it has ended there too', async () => {
    const customers = async () => (await root.query('SELECT COUNT(*) AS n FROM data.customer'))[0];
    const before = await customers();
    await root.query('CREATE TRIGGER data.slow BEFORE INSERT ON data.customer FOR EACH ROW DO SLEEP(30)');
    try {
      const answer = await running.ask(mutation);
      expect(answer).toMatchObject({ ...away, codes: ['SERVICE_UNAVAILABLE'], writes: ['NOT_DONE'] });
      const [left] = await root.query(
        "SELECT INFO FROM information_schema.PROCESSLIST WHERE USER = 'remit' AND INFO LIKE 'INSERT INTO%customer%'",
      );
      expect(left).toEqual([]);
      expect(await customers()).toEqual(before);
    } finally {
      await root.query('DROP TRIGGER data.slow');
    }
    await running.recovered();
  });

  test('that was killed: 503 with retry-after', async () => {
    await running.recovered();
    await mariadb.stop();
    expect(await running.ask(query)).toMatchObject(away);
    expect(await running.ask(mutation)).toMatchObject(away);
    expect(await running.faults()).toContainEqual(expect.stringMatching(/^the data database does not answer/));
  });
});

describe('an SQLite database', () => {
  let database: TestDatabase;
  let installation: Installation;
  let running: Running;
  beforeAll(async () => {
    const [sqlite] = databases;
    if (!sqlite) throw new Error('there is no test database');
    database = await sqlite.create();
    installation = await prepare(database);
    running = await Running.start(installation.env);
    await running.recovered();
  });
  afterAll(async () => {
    await running.close();
    await installation.close();
    await database.drop();
  });

  test('that is full: 503 with retry-after, and nothing half done', async () => {
    const { home } = running.app.stores.regions;
    const [{ page_count: pages = 0 } = {}] = await home.query<Array<{ page_count: number }>>('PRAGMA page_count');
    await home.query(`PRAGMA max_page_count = ${pages}`);
    let answer = await running.ask(mutation);
    for (let tries = 0; answer.status === 200 && tries < 500; tries++) answer = await running.ask(mutation);
    expect(answer).toMatchObject(away);
    expect(answer.data ?? null).toBeNull();
    await home.query('PRAGMA max_page_count = 1000000');
    await running.recovered();
  });

  test('whose ledger cannot be written: nothing is given, /readyz says so, and it comes back', async () => {
    const { home } = running.app.stores.regions;
    await home.query('ALTER TABLE audit_entry RENAME TO audit_entry_away');
    try {
      expect(await running.ask(query)).toMatchObject({ ...away, codes: ['AUDIT_UNAVAILABLE'] });
      expect(await running.faults()).toEqual(['the audit ledger cannot be written']);
    } finally {
      await home.query('ALTER TABLE audit_entry_away RENAME TO audit_entry');
    }
    await running.recovered();
  });

  test('that another process keeps locked: it is said to be in the way of others, or away', async () => {
    const { home } = running.app.stores.regions;
    await home.query('PRAGMA busy_timeout = 20');
    const other = installation.stores.regions.home;
    await other.query('BEGIN IMMEDIATE');
    try {
      const { status, codes } = await running.ask(mutation);
      expect({ status, codes }).toMatchObject({
        codes: [expect.stringMatching(/^(CONFLICT|SERVICE_UNAVAILABLE|AUDIT_UNAVAILABLE|TIMEOUT)$/)],
      });
    } finally {
      await other.query('ROLLBACK');
      await home.query('PRAGMA busy_timeout = 5000');
    }
    await running.recovered();
  });
});
