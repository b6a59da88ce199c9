import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';

export interface TestDatabase {
  /** What DATABASE_URL and KEYS_DATABASE_URL would say: two empty stores of this test's own. */
  readonly databaseUrl: string;
  readonly keysDatabaseUrl: string;
  /** Removes both stores; close their connections first. */
  drop(): Promise<void>;
}

interface TestDatabaseKind {
  readonly name: 'SQLite' | 'MariaDB';
  create(): Promise<TestDatabase>;
}

const mariadb = process.env.REMIT_TEST_MARIADB_URL;

/** For `describe.each(databases)('… on $name', ({ create }) => …)`: one body of tests, every database. */
export const databases: readonly TestDatabaseKind[] = [
  { name: 'SQLite', create: createSqlite },
  ...(mariadb === undefined ? [] : [{ name: 'MariaDB' as const, create: () => createSchemas(mariadb) }]),
];

async function createSqlite(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-sqlite-'));
  return {
    databaseUrl: `sqlite:${join(folder, 'remit.db')}`,
    keysDatabaseUrl: `sqlite:${join(folder, 'keys.db')}`,
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function createSchemas(server: string): Promise<TestDatabase> {
  const suffix = randomUUID().replaceAll('-', '');
  const names = [`data_${suffix}`, `keys_${suffix}`] as const;
  await onServer(server, ...names.map((name) => `CREATE DATABASE ${name}`));
  return {
    databaseUrl: `${server}${names[0]}`,
    keysDatabaseUrl: `${server}${names[1]}`,
    drop: () => onServer(server, ...names.map((name) => `DROP DATABASE IF EXISTS ${name}`)),
  };
}

async function onServer(server: string, ...statements: string[]): Promise<void> {
  const connection = await createConnection(server);
  for (const statement of statements) await connection.query(statement);
  await connection.end();
}
