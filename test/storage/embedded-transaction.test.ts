import { AsyncResource } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import Database from 'better-sqlite3';
import type { DataSource } from 'typeorm';
import { openDataSource } from '../../src/storage/data-source';
import { embeddedDatabaseOf } from '../../src/storage/dialect';
import { committed, inTransaction } from '../../src/storage/transaction';
import { OutcomeUnknownError } from '../../src/storage/write-outcome';
import { writeStatement } from '../../src/storage/write-statement';
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

/** Another request. */
const elsewhere = new AsyncResource('AnotherRequest');

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

  test('a connection whose transaction does not end is replaced, for writers and readers', async () => {
    const first = embeddedDatabaseOf(source);
    const exec = first.exec.bind(first);
    // As a disk does that answers nothing but errors.
    jest.spyOn(first, 'exec').mockImplementation((sql: string) => {
      if (/^(COMMIT|ROLLBACK)/.test(sql)) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
      return exec(sql);
    });
    const lost = inTransaction(source, (manager) => manager.query('UPDATE counter SET n = 5'));
    await expect(lost).rejects.toBeInstanceOf(OutcomeUnknownError);
    const [row] = await committed(source, () => source.query<[{ n: number }]>('SELECT n FROM counter'));
    expect(row.n).toBe(0);
    expect(embeddedDatabaseOf(source)).not.toBe(first);
    await inTransaction(source, (manager) => manager.query('UPDATE counter SET n = n + 1'));
    expect(seen('SELECT n FROM counter')).toBe(1);
    expect(seen('PRAGMA secure_delete')).toBe(0);
    expect(embeddedDatabaseOf(source).pragma('secure_delete', { simple: true })).toBe(1);
  });

  test('a transaction that has begun although its BEGIN failed is begun again', async () => {
    const database = embeddedDatabaseOf(source);
    const exec = database.exec.bind(database);
    const spied = jest.spyOn(database, 'exec').mockImplementation((sql: string) => {
      const begun = exec(sql);
      if (!sql.startsWith('BEGIN')) return begun;
      spied.mockRestore();
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' });
    });
    await inTransaction(source, (manager) => manager.query('UPDATE counter SET n = n + 1'));
    expect(seen('SELECT n FROM counter')).toBe(1);
  });

  test('a COMMIT that finds the disk full is not acknowledged, and is certainly undone', async () => {
    const database = embeddedDatabaseOf(source);
    const exec = database.exec.bind(database);
    const spied = jest.spyOn(database, 'exec').mockImplementation((sql: string) => {
      if (sql !== 'COMMIT') return exec(sql);
      spied.mockRestore();
      throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    });
    const full = inTransaction(source, (manager) => manager.query('UPDATE counter SET n = 5'));
    await expect(full).rejects.toMatchObject({ code: 'SQLITE_FULL' });
    await inTransaction(source, (manager) => manager.query('UPDATE counter SET n = n + 1'));
    expect(seen('SELECT n FROM counter')).toBe(1);
  });

  test('a statement by itself does not join a transaction that is under way', async () => {
    let alone: Promise<void> | undefined;
    const failing = inTransaction(source, async (manager) => {
      await manager.query('UPDATE counter SET n = 5');
      alone = elsewhere.runInAsyncScope(() => writeStatement(source, 'UPDATE counter SET n = n + 1'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    await alone;
    expect(seen('SELECT n FROM counter')).toBe(1);
  });
});
