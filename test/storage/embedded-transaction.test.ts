import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Database from 'better-sqlite3';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { inTransaction } from '../../src/storage/transaction';
import { root } from '../support/root';

const PROCESSES = 4;
const ROUNDS = 60;

/** Reads, waits a moment, and writes what it has read and one more: what two do at a time must not be lost. */
const counting = `
const { openDataSource } = require(${JSON.stringify(join(root, 'dist/src/storage/data-source.js'))});
const { inTransaction } = require(${JSON.stringify(join(root, 'dist/src/storage/transaction.js'))});
(async () => {
  const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };
  const source = await openDataSource('sqlite:' + process.argv[1], options);
  for (let round = 0; round < ${ROUNDS}; round++) {
    await inTransaction(source, async (manager) => {
      const [{ n }] = await manager.query('SELECT n FROM counter');
      await new Promise((resolve) => setTimeout(resolve, round % 3));
      await manager.query('UPDATE counter SET n = ?', [n + 1]);
    });
  }
  await source.destroy();
})().catch((error) => { console.error(error); process.exit(1); });
`;

describe('transactions of the embedded database', () => {
  let folder: string;
  let path: string;
  let source: DataSource;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'remit-embedded-'));
    path = join(folder, 'counter.db');
    source = await openDataSource(`sqlite:${path}`, { variable: 'DATABASE_URL', entities: [], migrations: [] });
    await source.query('CREATE TABLE counter (n int NOT NULL)');
    await source.query('INSERT INTO counter (n) VALUES (0)');
    await source.query('CREATE TABLE note (words blob NOT NULL)');
  });
  afterEach(async () => {
    await source.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As another process sees it. */
  const seen = (sql: string): unknown => {
    const other = new Database(path, { readonly: true });
    try {
      return other.prepare(sql).pluck().get();
    } finally {
      other.close();
    }
  };

  test(`SQLITE_BUSY: ${PROCESSES} processes write at once, and each waits for the others`, async () => {
    const processes = Array.from({ length: PROCESSES }, async () => {
      const child = spawn(process.execPath, ['-e', counting, path], { stdio: ['ignore', 'ignore', 'pipe'] });
      const [[code], words] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
      return { code, words };
    });
    const ended = await Promise.all(processes);
    expect(ended).toEqual(Array(PROCESSES).fill({ code: 0, words: '' }));
    expect(seen('SELECT n FROM counter')).toBe(PROCESSES * ROUNDS);
  });

  test('waiting for another process’s writer blocks nothing else here', async () => {
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const waiting = inTransaction(source, (manager) => manager.query('UPDATE counter SET n = 7'));
    // Were it to block, this could never end the other's transaction.
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.exec('UPDATE counter SET n = 6');
    other.exec('COMMIT');
    other.close();
    await waiting;
    expect(seen('SELECT n FROM counter')).toBe(7);
  });

  test('what SQLite rolls back by itself is not acknowledged, and what comes later is kept', async () => {
    const [{ page_count: pages }] = await source.query<[{ page_count: number }]>('PRAGMA page_count');
    const limit = (count: number) => source.query(`PRAGMA max_page_count = ${count}`);
    const note = (bytes: number) => ({ sql: 'INSERT INTO note (words) VALUES (?)', words: Buffer.alloc(bytes, 1) });
    await limit(pages + 2);
    const full = note(200_000);
    for (let round = 0; round < 3; round++) {
      const failing = inTransaction(source, (manager) => manager.query(full.sql, [full.words]));
      await expect(failing).rejects.toMatchObject({ driverError: { code: 'SQLITE_FULL' } });
    }
    const careless = inTransaction(source, async (manager) => {
      await manager.query(full.sql, [full.words]).catch(() => undefined);
    });
    await expect(careless).rejects.toThrow('rolled the transaction back by itself');
    await limit(100_000);
    for (let round = 1; round <= 3; round++) {
      await inTransaction(source, (manager) => manager.query('UPDATE counter SET n = n + 1'));
      expect(seen('SELECT n FROM counter')).toBe(round);
    }
    expect(seen('SELECT COUNT(*) FROM note')).toBe(0);
  });
});
