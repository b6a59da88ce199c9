import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import Sqlite, { type Database } from 'better-sqlite3';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable, id } from '../../src/storage/columns';
import { migrate, openDataSource, pendingMigrations } from '../../src/storage/data-source';
import { ConfigurationError } from '../../src/storage/errors';
import { keepStatements } from '../../src/storage/lasting-statements';
import { databases } from '../support/databases';
import { startMariaDb } from '../support/mariadb';

class First1700000000001 implements MigrationInterface {
  static runs = 0;
  async up(queryRunner: QueryRunner): Promise<void> {
    First1700000000001.runs++;
    await createTable(queryRunner, { name: 'first', primaryKey: ['client_id'], columns: [id('client_id')] });
    // Long enough for another process to try, and not idempotent: a second run would show.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await queryRunner.query("INSERT INTO first (client_id) VALUES ('one')");
  }
  async down(): Promise<void> {}
}

class Second1700000000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, { name: 'second', primaryKey: ['client_id'], columns: [id('client_id')] });
  }
  async down(): Promise<void> {}
}

class Failing1700000000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, { name: 'third', primaryKey: ['client_id'], columns: [id('client_id')] });
    throw new Error('died midway');
  }
  async down(): Promise<void> {}
}

class Mended1700000000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, { name: 'third', primaryKey: ['client_id'], columns: [id('client_id')] });
  }
  async down(): Promise<void> {}
}

const options = { variable: 'DATABASE_URL', entities: [], migrations: [First1700000000001, Second1700000000002] };

describe.each(databases)('migrations on $name', ({ create }) => {
  test('run once, in order, and are listed while they are pending', async () => {
    const database = await create();
    const dataSource = await openDataSource(database.databaseUrl, options);
    const names = ['First1700000000001', 'Second1700000000002'];
    expect(await pendingMigrations(dataSource)).toEqual(names);
    expect(await migrate(dataSource)).toEqual(names);
    expect(await pendingMigrations(dataSource)).toEqual([]);
    expect(await migrate(dataSource)).toEqual([]);
    await dataSource.destroy();
    await database.drop();
  });

  test('of four connections that migrate a new database at once, one does the work', async () => {
    const database = await create();
    First1700000000001.runs = 0;
    const dataSources = await Promise.all([1, 2, 3, 4].map(() => openDataSource(database.databaseUrl, options)));
    const done = await Promise.all(dataSources.map((dataSource) => migrate(dataSource)));
    expect(done.map((names) => names.length).sort()).toEqual([0, 0, 0, 2]);
    expect(First1700000000001.runs).toBe(1);
    for (const dataSource of dataSources) {
      expect(await dataSource.query('SELECT client_id FROM first')).toHaveLength(1);
      await dataSource.destroy();
    }
    await database.drop();
  });

  test('one that failed midway frees the lock, and its mended form runs from the start', async () => {
    const database = await create();
    const failing = await openDataSource(database.databaseUrl, { ...options, migrations: [Failing1700000000003] });
    await expect(migrate(failing)).rejects.toThrow('died midway');
    await failing.destroy();
    const mended = await openDataSource(database.databaseUrl, { ...options, migrations: [Mended1700000000003] });
    expect(await migrate(mended)).toEqual(['Mended1700000000003']);
    await mended.destroy();
    await database.drop();
  });

  test('a lock whose holder died lapses', async () => {
    const database = await create();
    const dataSource = await openDataSource(database.databaseUrl, options);
    await migrate(dataSource);
    const past = Math.floor(Date.now() / 1000) - 5;
    await dataSource.query("UPDATE migration_lock SET holder = 'dead', expires_at = ?", [past]);
    expect(await migrate(dataSource)).toEqual([]);
    await dataSource.destroy();
    await database.drop();
  });

  test('a lock in force is waited for', async () => {
    const database = await create();
    const dataSource = await openDataSource(database.databaseUrl, options);
    await migrate(dataSource);
    await dataSource.query("UPDATE migration_lock SET holder = 'alive', expires_at = ?", [Date.now()]);
    let finished = false;
    const waiting = migrate(dataSource).then(() => {
      finished = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(finished).toBe(false);
    await dataSource.query('UPDATE migration_lock SET expires_at = 0');
    await waiting;
    await dataSource.destroy();
    await database.drop();
  });
});

describe('SQLite files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'remit-data-source-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('are made with their folder, private, and with the pragmas that durability and deletion need', async () => {
    const file = join(folder, 'new/remit.db');
    const dataSource = await openDataSource(`sqlite:${file}`, options);
    await migrate(dataSource);
    const pragma = async (name: string) => Object.values((await dataSource.query(`PRAGMA ${name}`))[0])[0];
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('secure_delete')).toBe(1);
    expect(await pragma('foreign_keys')).toBe(1);
    expect(await pragma('busy_timeout')).toBe(5000);
    expect(await pragma('synchronous')).toBe(2);
    for (const path of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(path).mode & 0o077).toBe(0);
    expect(statSync(join(folder, 'new')).mode & 0o077).toBe(0);
    await dataSource.destroy();
  });

  test('may be in memory', async () => {
    const dataSource = await openDataSource('sqlite::memory:', options);
    expect(await migrate(dataSource)).toHaveLength(2);
    await dataSource.destroy();
    expect(existsSync(':memory:')).toBe(false);
  });

  test('keep their statements where better-sqlite3 aborts the process once one is collected', () => {
    const [usual, lasting] = [new Sqlite(':memory:'), new Sqlite(':memory:')];
    keepStatements(usual, '22.23.3');
    keepStatements(lasting, '24.21.0');
    const statements = (database: Database) => new Set([1, 2, 3].map(() => database.prepare('SELECT 1')));
    expect([statements(usual).size, statements(lasting).size]).toEqual([3, 1]);
    for (const timeout of [0, 70, 0]) {
      lasting.pragma(`busy_timeout = ${timeout}`);
      expect(lasting.pragma('busy_timeout')).toEqual([{ timeout }]);
      expect(lasting.pragma('busy_timeout', { simple: true })).toBe(timeout);
    }
    for (const database of [usual, lasting]) database.close();
  });

  test('that are no database, or in a place that is no folder, are named', async () => {
    const file = join(folder, 'text.db');
    writeFileSync(file, 'not a database at all, only a text that is long enough to be looked at'.repeat(20));
    await expect(openDataSource(`sqlite:${file}`, options)).rejects.toThrow(
      /DATABASE_URL: .*is not an SQLite database/,
    );
    await expect(openDataSource(`sqlite:${file}/x.db`, options)).rejects.toThrow(/DATABASE_URL: cannot open .*x\.db/);
  });
});

describe('faults name the variable and the remedy, and never the password', () => {
  const rejected = async (url: string) => {
    const error = await openDataSource(url, { ...options, variable: 'KEYS_DATABASE_URL' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(/^KEYS_DATABASE_URL: /);
    // Everything a logger could print of it: stack, causes, hidden properties.
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('s3cret');
    return (error as Error).message;
  };

  test.each([
    ['', /is not a URL; write sqlite:/],
    ['./remit.db', /is not a URL/],
    ['postgres://u:s3cret@h/db', /unknown scheme postgres:; write/],
    ['s3cret', /is not a URL/],
    ['sqlite:', /names no file/],
    ['sqlite:./data/', /names no file/],
    ['sqlite://data/remit.db', /host where a path is meant/],
    ['mysql://u:s3cret@h', /must name one database/],
    ['mysql://u:s3cret@h/', /must name one database/],
    ['mysql://u:s3cret@h/a/b', /must name one database/],
    ['mysql://u:s3cret@h:port/db', /not a well-formed URL/],
    ['mysql:///db', /names no host|not a well-formed/],
    ['mysql://h/db', /names no user/],
    ['mysql://u:s3cret%@h/db', /stray %/],
    ['mysql://u:s3cret@h/db?charset=x', /knows no parameter charset; known are socket, ssl,/],
    ['mysql://u:s3cret@h/db?ssl=maybe', /ssl must be true or false or verify-ca/],
    ['mysql://u:s3cret@127.0.0.1:1/db', /cannot connect to 127\.0\.0\.1:1 \(ECONNREFUSED\)/],
  ])('%s', async (url, message) => {
    expect(await rejected(url)).toMatch(message);
  });

  const server = process.env.REMIT_TEST_MARIADB_URL;
  if (server !== undefined) {
    test('a user that MariaDB refuses, and a database that it lacks', async () => {
      expect(await rejected(`${server.replace('root@', 'nobody:s3cret@')}db`)).toMatch(/refuses user nobody/);
      expect(await rejected(`${server}no_such`)).toMatch(/no database no_such; create it: CREATE DATABASE no_such/);
    });

    test('a MariaDB that would cut values silently', async () => {
      // A server of its own: the mode is global, and the shared one has other tests on it.
      const lax = await startMariaDb('--sql-mode=NO_ENGINE_SUBSTITUTION');
      try {
        expect(await rejected(`${lax?.url}mysql`)).toMatch(/STRICT_TRANS_TABLES/);
      } finally {
        await lax?.stop();
      }
    });
  }
});
