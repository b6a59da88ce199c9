import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { migrateStores } from '../../src/stores';

export interface TestDatabase {
  /** What DATABASE_URL and KEYS_DATABASE_URL would say: two empty stores of this test's own. */
  readonly databaseUrl: string;
  readonly keysDatabaseUrl: string;
  /** Makes the tables of both empty stores as migrating does, in a quarter of the time. */
  copyTables?(): Promise<void>;
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
  ...(mariadb === undefined ? [] : [{ name: 'MariaDB' as const, create: () => storesOn(mariadb) }]),
];

async function createSqlite(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-sqlite-'));
  return {
    ...storesIn(folder),
    copyTables: async () => {
      const template = await sqliteTemplate();
      for (const file of files) copyFileSync(join(template, file), join(folder, file));
    },
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const files = ['remit.db', 'keys.db'] as const;

const storesIn = (folder: string) => ({
  databaseUrl: `sqlite:${join(folder, files[0])}`,
  keysDatabaseUrl: `sqlite:${join(folder, files[1])}`,
});

/** The folder of a migrated installation, which the first to need it makes. */
async function sqliteTemplate(): Promise<string> {
  const { REMIT_TEST_TEMPLATES: shared } = process.env;
  if (shared === undefined) throw new Error('test/support/global-setup.ts makes the folder of templates');
  const template = join(shared, 'sqlite');
  if (existsSync(template)) return template;
  const making = mkdtempSync(join(shared, 'making-'));
  await migrateStores({ ...storesIn(making), regionalDatabaseUrls: {}, production: false });
  // Another process may have made it meanwhile: a folder with files in it is not replaced.
  if (!existsSync(template)) renameSync(making, template);
  return template;
}

/** Two empty stores on a server. @param server its URL, up to the database's name */
export async function storesOn(server: string): Promise<TestDatabase> {
  const suffix = randomUUID().replaceAll('-', '');
  const names = [`data_${suffix}`, `keys_${suffix}`] as const;
  await onServer(server, ...names.map((name) => `CREATE DATABASE ${name}`));
  return {
    databaseUrl: `${server}${names[0]}`,
    keysDatabaseUrl: `${server}${names[1]}`,
    copyTables: () => copyTables(server, names),
    drop: () => onServer(server, ...names.map((name) => `DROP DATABASE IF EXISTS ${name}`)),
  };
}

const templates = ['template_data', 'template_keys'];

/** Copies the tables of a migrated installation, which the first to need it makes. */
async function copyTables(server: string, names: readonly [string, string]): Promise<void> {
  const connection = await createConnection({ uri: server, multipleStatements: true });
  try {
    await connection.query("SELECT GET_LOCK('template', 600)");
    const [ready] = await connection.query("SHOW DATABASES LIKE 'template_ready'");
    if ((ready as unknown[]).length === 0) await makeTemplates(server);
    await connection.query("SELECT RELEASE_LOCK('template')");
    const [tables] = await connection.query(
      'SELECT table_schema AS s, table_name AS t FROM information_schema.tables WHERE table_schema IN (?)',
      [templates],
    );
    const copies = (tables as { s: string; t: string }[]).flatMap(({ s, t }) => {
      const name = names[templates.indexOf(s)];
      return name === undefined
        ? []
        : [`CREATE TABLE ${name}.${t} LIKE ${s}.${t}; INSERT INTO ${name}.${t} SELECT * FROM ${s}.${t}`];
    });
    await connection.query(copies.join(';'));
  } finally {
    await connection.end();
  }
}

async function makeTemplates(server: string): Promise<void> {
  await onServer(server, ...templates.map((name) => `CREATE DATABASE ${name}`));
  const [databaseUrl, keysDatabaseUrl] = [`${server}${templates[0]}`, `${server}${templates[1]}`];
  await migrateStores({ databaseUrl, keysDatabaseUrl, regionalDatabaseUrls: {}, production: false });
  const connection = await createConnection(server);
  const [found] = await connection.query(
    'SELECT constraint_name AS name FROM information_schema.referential_constraints WHERE constraint_schema IN (?)',
    [templates],
  );
  await connection.end();
  if ((found as unknown[]).length > 0) throw new Error('CREATE TABLE … LIKE copies no foreign keys: migrate instead.');
  await onServer(server, 'CREATE DATABASE template_ready');
}

async function onServer(server: string, ...statements: string[]): Promise<void> {
  const connection = await createConnection(server);
  for (const statement of statements) await connection.query(statement);
  await connection.end();
}
