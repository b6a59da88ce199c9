import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { storeLogConcerns } from '../../src/gateway/installation-metrics';
import { boundWriteAheadLog, emptyWriteAheadLog, writeAheadLogBytes } from '../../src/storage/write-ahead-log';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const MIB = 1024 * 1024;
const [sqlite] = databases;

describe('the embedded database beside other processes', () => {
  let database: TestDatabase;
  let app: TestApp;
  /** Another process's connection: a lock of its that this process waited for in one piece would never end. */
  let others: Database.Database[];

  beforeEach(async () => {
    if (!sqlite) throw new Error('SQLite is always there');
    database = await sqlite.create();
    app = await openTestApp(database);
    others = [database.databaseUrl, database.keysDatabaseUrl].map((url) => new Database(url.replace('sqlite:', '')));
  });

  afterEach(async () => {
    for (const other of others) other.close();
    await app.services.ledger.close();
    await app.close();
    await database.drop();
  });

  const other = (): Database.Database => others[0] as Database.Database;

  async function grow(mebibytes: number): Promise<void> {
    const { home } = app.stores.regions;
    const bytes = Buffer.alloc(MIB);
    for (let at = 0; at < mebibytes; at++)
      await home.query('INSERT INTO audit_tile (log_id, level, tile_index, hashes) VALUES (?, 0, ?, ?)', [
        randomUUID(),
        at,
        bytes,
      ]);
  }

  test('a log that a reader has made grow is emptied as soon as the reader has gone', async () => {
    const { home } = app.stores.regions;
    other().exec('BEGIN');
    other().prepare('SELECT COUNT(*) FROM client').get();
    await grow(18);
    expect(await writeAheadLogBytes(home)).toBeGreaterThan(16 * MIB);
    await boundWriteAheadLog(home);
    expect(await writeAheadLogBytes(home)).toBeGreaterThan(16 * MIB);
    other().exec('COMMIT');
    await boundWriteAheadLog(home);
    expect(await writeAheadLogBytes(home)).toBe(0);
    // A small one is left to SQLite.
    await grow(1);
    await boundWriteAheadLog(home);
    expect(await writeAheadLogBytes(home)).toBeGreaterThan(MIB);
  });

  test('waiting for a reader to empty the log blocks nothing else', async () => {
    const { home } = app.stores.regions;
    other().exec('BEGIN');
    other().prepare('SELECT COUNT(*) FROM client').get();
    await grow(1);
    const emptied = emptyWriteAheadLog(home);
    await sleep(50);
    await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    other().exec('COMMIT');
    expect(await emptied).toBe(true);
    other().exec('BEGIN');
    other().prepare('SELECT COUNT(*) FROM client').get();
    await grow(1);
    expect(await emptyWriteAheadLog(home, 50)).toBe(false);
    other().exec('COMMIT');
  });

  test('a log that stays large is a concern, and says of which store', () => {
    expect(storeLogConcerns([{ store: 'data', bytes: 70 * MIB }])).toEqual([
      'the write-ahead log of "data" has grown to 70 MiB: some process keeps an old snapshot of it open',
    ]);
    expect(storeLogConcerns([{ store: 'keys', bytes: 60 * MIB }])).toEqual([]);
  });

  test('a writer of another process delays what writes, and nothing else', async () => {
    const { clients, customers, recorder } = app.services;
    const client = await clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    const first = await customers.create(client.id, { firstName: 'Ada' }, 'test');
    for (const each of others) each.exec('BEGIN IMMEDIATE');
    const writing = Promise.all([
      recorder.record('GRANT_GIVEN', { principal: 'test' }),
      customers.create(client.id, { firstName: 'Bob' }, 'test'),
      app.stores.keys.destroySubjectKey(client.id, first),
      app.services.disclosures.tellDue(),
    ]);
    // Reads are answered meanwhile; and none of those that write has given up.
    await sleep(200);
    const read = await app.stores.regions.home.query<unknown[]>('SELECT client_id FROM client');
    expect(read).toHaveLength(1);
    for (const each of others) each.exec('COMMIT');
    await expect(writing).resolves.toBeDefined();
  });
});
