import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { startMariaDb, type TestServer } from './mariadb';
import { keepScratchInMemory } from './scratch';
import { recordStatements } from './statements/list';

declare global {
  var remitTestMariaDb: TestServer | undefined;
  var removeRemitScratch: (() => void) | undefined;
}

/** Starts the one MariaDB that all test files share, and says on which databases the tests run. */
export default async function globalSetup(): Promise<void> {
  if (globalThis.removeRemitScratch) return;
  globalThis.removeRemitScratch = keepScratchInMemory();
  process.env.REMIT_TEST_TEMPLATES = mkdtempSync(join(tmpdir(), 'remit-template-'));
  const server = await startMariaDb();
  if (server === undefined) {
    const message = 'mariadbd was not found: the MariaDB half of the storage tests is LEFT OUT.';
    if (process.env.CI === 'true') throw new Error(`${message} With CI=true it must be installed (mariadb-server).`);
    process.stderr.write(`\n*** WARNING: ${message} Install mariadb-server to run it. ***\n`);
  } else {
    globalThis.remitTestMariaDb = server;
    process.env.REMIT_TEST_MARIADB_URL = server.url;
    recordStatements();
  }
  const mariadb = server === undefined ? 'no MariaDB' : `MariaDB ${server.version}`;
  process.stderr.write(`\nTest databases: SQLite ${sqliteVersion()}, ${mariadb}\n`);
}

function sqliteVersion(): string {
  const database = new Database(':memory:');
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get());
  database.close();
  return version;
}
