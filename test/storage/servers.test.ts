import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { readCells, runStatement } from '../../src/storage/statements';
import { makeCertificates } from '../support/certificates';
import { startMariaDb, type TestServer } from '../support/mariadb';

const shared = process.env.REMIT_TEST_MARIADB_URL;
const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };
const folder = mkdtempSync(join(tmpdir(), 'remit-servers-'));
const certificates = makeCertificates(folder, 'db.example');
afterAll(() => rmSync(folder, { recursive: true }));

if (shared !== undefined) {
  describe('which servers are used, and how they are reached', () => {
    let server: TestServer;
    let address: string;
    beforeAll(async () => {
      const tls = certificates;
      const settings = tls ? [`--ssl-ca=${tls.ca}`, `--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`] : [];
      const started = await startMariaDb(...settings);
      if (!started) throw new Error('MariaDB did not start');
      server = started;
      address = new URL(server.url).host;
    });
    afterAll(() => server.stop());

    const open = (url: string) => openDataSource(url, options);
    const on = async <T>(url: string, work: (source: DataSource) => Promise<T>): Promise<T> => {
      const source = await open(url);
      try {
        return await work(source);
      } finally {
        await source.destroy();
      }
    };
    const own = (parameters = '') => `mysql://root@${address}/mysql${parameters}`;
    /** As another program, which Remit knows nothing of. */
    const directly = async (...statements: string[]) => {
      const connection = await createConnection(server.url);
      try {
        let rows: unknown;
        for (const statement of statements) [rows] = await connection.query(statement);
        return rows as Array<Record<string, string>>;
      } finally {
        await connection.end();
      }
    };
    const portOf = async (source: DataSource) => {
      const [row] = await source.query<Array<{ port: number }>>('SELECT @@port AS port');
      return row?.port;
    };
    const other = new URL(shared);
    const both = (parameters = '') => `mysql://root@${address},${other.host}/mysql${parameters}`;

    it('a connection keeps a hundred prepared statements; where the server keeps no more, they go as text', async () => {
      const kept = async () => {
        const [row] = await directly("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
        return Number(row?.Value);
      };
      await on(own('?pool-size=1'), async (source) => {
        const ask = (number: number) => readCells(source, `SELECT ?, '${number}'`, ['x']);
        for (let number = 0; number < 130; number++) expect(await ask(number)).toEqual([['x', String(number)]]);
        expect(await ask(0)).toEqual([['x', '0']]);
        expect(await kept()).toBe(100);
        await directly('SET GLOBAL max_prepared_stmt_count = 0');
        try {
          expect(await ask(1_000)).toEqual([['x', '1000']]);
          expect(await runStatement(source, 'SELECT ? AS text', ['y'])).toEqual([{ text: 'y' }]);
        } finally {
          await directly('SET GLOBAL max_prepared_stmt_count = 16382');
        }
      });
      expect(await kept()).toBe(0);
    });

    it('the first of several that takes writes is used; alone, one that takes none may be read', async () => {
      expect(await on(both(), portOf)).toBe(Number(address.split(':')[1]));
      await directly('SET GLOBAL read_only = 1');
      try {
        expect(await on(both(), portOf)).toBe(Number(other.port));
        expect(await on(own(), portOf)).toBe(Number(address.split(':')[1]));
        await expect(open(`mysql://root@${address},127.0.0.1:1/mysql`)).rejects.toThrow(
          /^DATABASE_URL: (127\.0\.0\.1:\d+ is read-only \(read_only is ON\)|cannot connect to .*ECONNREFUSED.*)/,
        );
      } finally {
        await directly('SET GLOBAL read_only = 0');
      }
    });

    it('one that is not strict is passed over, also when it becomes so later', async () => {
      const source = await open(both('?pool-size=2'));
      try {
        expect(await portOf(source)).toBe(Number(address.split(':')[1]));
        await directly("SET GLOBAL sql_mode = ''", 'SET @mine = CONNECTION_ID()');
        for (const { Id, Command } of await directly('SHOW PROCESSLIST')) {
          if (Command === 'Sleep') await directly(`KILL ${Id}`).catch(() => undefined);
        }
        expect(await portOf(source)).toBe(Number(other.port));
      } finally {
        await directly("SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES'");
        await source.destroy();
      }
    });

    it('each session has its settings', async () => {
      const locks = `SELECT @@innodb_lock_wait_timeout AS row_lock, @@lock_wait_timeout AS table_lock,
        @@max_statement_time AS statement`;
      const asked = (parameters: string) => on(own(parameters), (source) => source.query(locks));
      expect(await asked('')).toEqual([{ row_lock: 4, table_lock: 4, statement: 5 }]);
      expect(await asked('?statement-timeout=0.5')).toEqual([{ row_lock: 1, table_lock: 1, statement: 0.5 }]);
      expect(await asked('?statement-timeout=3600')).toEqual([{ row_lock: 50, table_lock: 50, statement: 3_600 }]);
    });

    it('a Unix socket', async () => {
      const [row] = await directly('SELECT @@socket AS socket');
      const path = encodeURIComponent(row?.socket ?? '');
      const hostOf = "SELECT SUBSTRING_INDEX(USER(), '@', -1) AS host";
      expect(
        await on(`mysql://root@localhost/mysql?socket=${path}`, (source) => readCells(source, hostOf, [])),
      ).toEqual([['localhost']]);
      await expect(open(`mysql://root@/mysql?socket=${path}x`)).rejects.toThrow(/cannot connect to .*x \(ENOENT\)/);
    });

    if (certificates === undefined) {
      if (process.env.CI === 'true') throw new Error('openssl was not found; with CI=true it must be installed.');
      process.stderr.write('\n*** WARNING: openssl was not found: the tests of TLS are LEFT OUT. ***\n');
    } else {
      const { ca, clientCert, clientKey } = certificates;
      const cipher = async (source: DataSource) => {
        const [row] = await source.query<Array<{ Value: string }>>("SHOW STATUS LIKE 'Ssl_cipher'");
        expect(await readCells(source, 'SELECT ? AS text', ['by the same way'])).toEqual([['by the same way']]);
        return row?.Value;
      };

      it('TLS with a certificate of the right authority and name', async () => {
        expect(await on(own(`?ssl=true&ssl-ca=${ca}&ssl-server-name=db.example`), cipher)).toMatch(/AES|CHACHA/);
        expect(await on(own(`?ssl=verify-ca&ssl-ca=${ca}`), cipher)).toMatch(/AES|CHACHA/);
        expect(await on(own(), cipher)).toBe('');
      });

      it.each([
        [
          'another name',
          `?ssl=true&ssl-ca=${ca}&ssl-server-name=other.example`,
          /could not be verified \(Hostname\/IP does not match .*check ssl-ca/,
        ],
        [
          'an authority that is not known here',
          '?ssl=true&ssl-server-name=db.example',
          /could not be verified \(self-signed certificate in certificate chain\)/,
        ],
        ['a file that is not there', '?ssl=verify-ca&ssl-ca=/no/such.pem', /ssl-ca names \/no\/such\.pem.*ENOENT/],
      ])('TLS is refused for %s', async (_, parameters, message) => {
        await expect(open(own(parameters))).rejects.toThrow(message);
      });

      it('TLS with a client’s certificate, where the server wants one', async () => {
        await directly('CREATE USER known REQUIRE X509', 'GRANT SELECT ON mysql.* TO known');
        const url = `${own(`?ssl=verify-ca&ssl-ca=${ca}`).replace('root@', 'known@')}`;
        await expect(open(url)).rejects.toThrow(/refuses user known/);
        const signed = `${url}&ssl-cert=${clientCert}&ssl-key=${clientKey}`;
        expect(await on(signed, cipher)).toMatch(/AES|CHACHA/);
      });
    }
  });
}
