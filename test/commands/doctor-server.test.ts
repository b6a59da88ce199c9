import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { examine } from '../../src/commands/doctor/examination';
import { type Config, readConfig } from '../../src/config';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { migrateStores } from '../../src/stores';
import { makeCertificates } from '../support/certificates';
import { databases } from '../support/databases';
import { startMariaDb, type TestServer } from '../support/mariadb';

const folder = mkdtempSync(join(tmpdir(), 'remit-doctor-server-'));
const tls = makeCertificates(folder, 'db.example');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

if (databases.some(({ name }) => name === 'MariaDB')) {
  describe('what the doctor says of a server’s settings', () => {
    let server: TestServer;
    let config: Config;

    beforeAll(async () => {
      const certificate = tls ? [`--ssl-ca=${tls.ca}`, `--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`] : [];
      const binary = ['--log-bin=binary', '--server-id=1', '--expire-logs-days=3'];
      const started = await startMariaDb(...certificate, ...binary, '--transaction-isolation=READ-COMMITTED');
      if (!started) throw new Error('MariaDB did not start');
      server = started;
      await ask('CREATE DATABASE data', 'CREATE DATABASE key_store');
      await generateMasterKeyFile(join(folder, 'master.key'));
      const secured = tls ? `?ssl=verify-ca&ssl-ca=${tls.ca}` : '';
      config = readConfig({
        DATABASE_URL: `${server.url}data${secured}`,
        KEYS_DATABASE_URL: `${server.url}key_store`,
        REMIT_MASTER_KEY_FILE: join(folder, 'master.key'),
      });
      await migrateStores(config);
    });
    afterAll(() => server.stop());

    async function ask(...statements: string[]): Promise<void> {
      const connection = await createConnection(server.url);
      for (const statement of statements) await connection.query(statement);
      await connection.end();
    }
    const said = async (check: string) =>
      (await examine(config)).flatMap((one) => (one.check === check ? [`${one.verdict}: ${one.says}`] : []));

    test('an isolation that sees two states, and commits that a power cut may lose', async () => {
      const ofEach = (says: string) =>
        ['DATABASE_URL', 'KEYS_DATABASE_URL'].map((store) => `attention: ${store}: ${says}`);
      expect(await said('engine')).toEqual(
        expect.arrayContaining([
          ...ofEach('a transaction may see two states (READ-COMMITTED)'),
          ...ofEach('a power cut may lose what it acknowledged in the last second'),
        ]),
      );
    });

    const traces = async (settings: Partial<Config> = {}) =>
      (await examine({ ...config, ...settings })).flatMap((one) =>
        one.check === 'key traces' ? [`${one.verdict}: ${one.says.replace('KEYS_DATABASE_URL: ', '')}`] : [],
      );

    test('where old bytes of keys stay, and that they open nothing once the epoch has ended', async () => {
      const harmless = 'they open nothing once their epoch has ended';
      expect(await traces()).toEqual([
        `ok: it keeps wrapped keys in its binary log for 3 days: ${harmless}`,
        expect.stringMatching(/^ok: the last \d+ MiB of changes are in the redo log: they open nothing once/),
        `ok: undo pages are not given back (innodb_undo_log_truncate=OFF): ${harmless}`,
        `ok: freed pages keep their bytes (scrubbing is off): ${harmless}`,
      ]);
    });

    test('without epochs each of these is worth a look', async () => {
      const open = 'they can be opened, for REMIT_EPOCH is off';
      expect(await traces({ epoch: 'off' })).toEqual([
        `attention: it keeps wrapped keys in its binary log for 3 days: ${open}`,
        expect.stringMatching(/^attention: the last \d+ MiB of changes are in the redo log: they can be opened/),
        `attention: undo pages are not given back (innodb_undo_log_truncate=OFF): ${open}`,
        `attention: freed pages keep their bytes (scrubbing is off): ${open}`,
      ]);
    });

    test('logs of statements, and a binary log that never ends', async () => {
      await ask(
        ...['general_log = ON', 'slow_query_log = ON', 'binlog_expire_logs_seconds = 0'].map(
          (one) => `SET GLOBAL ${one}`,
        ),
        ...['innodb_undo_log_truncate = ON', 'innodb_immediate_scrub_data_uncompressed = ON'].map(
          (one) => `SET GLOBAL ${one}`,
        ),
      );
      const statements = 'writes statements, with ids of people in them, to where nothing expires';
      expect(await traces()).toEqual([
        'attention: it keeps wrapped keys in its binary log for ever: they open nothing once their epoch has ended',
        `attention: its general log ${statements}`,
        `attention: its slow query log ${statements}`,
        expect.stringContaining('ok: the last '),
        'ok: freed pages are overwritten (scrubbing is on); parts of pages in use are not',
      ]);
      await ask('SET GLOBAL general_log = OFF', 'SET GLOBAL slow_query_log = OFF');
    });

    test('a server that takes no writes', async () => {
      await ask('SET GLOBAL read_only = 1');
      expect(await said('engine')).toContain('fault: DATABASE_URL: it is read-only (read_only is ON)');
      await ask('SET GLOBAL read_only = 0');
    });

    if (tls !== undefined) {
      test('a certificate that ends soon', async () => {
        const [first, second] = (await said('stores')).filter((one) => one.startsWith('attention'));
        expect(first).toMatch(/^attention: DATABASE_URL: the server's certificate ends on \d{4}-\d\d-\d\d$/);
        expect(second).toBeUndefined();
      });
    }
  });
} else {
  test('a server’s settings are looked at where MariaDB is installed', () => expect(databases).toHaveLength(1));
}
