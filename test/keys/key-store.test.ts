import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { ClientKey, SubjectKey } from '../../src/keys/entities';
import { KEY_CACHE_TTL_MS } from '../../src/keys/key-cache';
import { KeyStore, ORPHAN_GRACE_MS } from '../../src/keys/key-store';
import type { OpenedContent } from '../../src/keys/opened-content';
import { OpenedRow } from '../../src/keys/opened-rows';
import type { RootKeys } from '../../src/keys/roots/root-keys';
import { seal, unseal } from '../../src/keys/sealing';
import { SubjectBuckets } from '../../src/keys/subject-buckets';
import { openDataSource } from '../../src/storage/data-source';
import { embeddedDatabaseOf } from '../../src/storage/dialect';
import { databases, type TestDatabase } from '../support/databases';
import { newRoots, openKeysSource } from './keys-source';

const folder = mkdtempSync(join(tmpdir(), 'remit-key-store-'));
let master: RootKeys;
let otherMaster: RootKeys;

beforeAll(async () => {
  master = await newRoots(folder, 'one');
  otherMaster = await newRoots(folder, 'two');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(databases)('on $name', ({ name, create }) => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let time: number;
  let keys: KeyStore;
  let client: string;
  const stores: KeyStore[] = [];

  /** A key store with caches of its own, as another process would have. */
  const process = (by: RootKeys = master, source: DataSource = dataSource) => {
    const store = new KeyStore(source, by, { now: () => time });
    stores.push(store);
    return store;
  };

  beforeAll(async () => {
    database = await create();
    dataSource = await openKeysSource(database.keysDatabaseUrl);
  });

  beforeEach(async () => {
    time = Date.UTC(2026, 10, 23);
    client = randomUUID();
    keys = process();
    await keys.createClientKey(client);
  });

  afterAll(async () => {
    for (const store of stores) store.close();
    await dataSource.destroy();
    await database.drop();
  });

  const uuids = (length: number): string[] => Array.from({ length }, () => randomUUID());

  test('the migration and the entities say the same', async () => {
    const portable: Readonly<Record<string, string>> = {
      mediumblob: 'blob',
      ...(name === 'SQLite' ? { int: 'integer' } : {}),
    };
    const queryRunner = dataSource.createQueryRunner();
    for (const { tableName, columns } of dataSource.entityMetadatas) {
      const table = await queryRunner.getTable(tableName);
      const said = columns.map((column) => ({
        name: column.databaseName,
        type: dataSource.driver.normalizeType(column),
        length: column.length,
        isNullable: column.isNullable,
        isPrimary: column.isPrimary,
      }));
      const found = table?.columns.map(({ name, type, length, isNullable, isPrimary }) => {
        return { name, type: portable[type] ?? type, length, isNullable, isPrimary };
      });
      expect(found).toEqual(said);
    }
    await queryRunner.release();
  });

  describe('clients', () => {
    test('a key is 32 bytes, the same in every process, another for every client', async () => {
      const other = randomUUID();
      await keys.createClientKey(other);
      const key = await keys.derivedKey(client, 'cursor');
      expect(key).toHaveLength(32);
      expect(await process().derivedKey(client, 'cursor')).toEqual(key);
      expect(await keys.derivedKey(other, 'cursor')).not.toEqual(key);
    });

    test('one without a key, and a second key, are errors', async () => {
      await expect(keys.derivedKey(randomUUID(), 'cursor')).rejects.toMatchObject({ code: 'CLIENT_KEY_ABSENT' });
      await expect(keys.subjectKeys(randomUUID(), uuids(1))).rejects.toMatchObject({ code: 'CLIENT_KEY_ABSENT' });
      const before = await keys.derivedKey(client, 'cursor');
      await expect(keys.createClientKey(client)).rejects.toThrow(/unique|duplicate/i);
      expect(await process().derivedKey(client, 'cursor')).toEqual(before);
    });

    test('another master key is recognised, and the remedy named', async () => {
      const [[other], [own]] = [await otherMaster.ids(), await master.ids()];
      await expect(process(otherMaster).derivedKey(client, 'cursor')).rejects.toThrow(
        new RegExp(`REMIT_MASTER_KEY_FILE: holds the key ${other}, .* wrapped by ${own}`),
      );
    });

    test('a wrapped key moved to another client does not open', async () => {
      const thief = randomUUID();
      await keys.createClientKey(thief);
      const [row] = await dataSource.query('SELECT node, secret FROM client_key WHERE client_id = ?', [client]);
      await dataSource.query('UPDATE client_key SET node = ? WHERE client_id = ?', [row.node, thief]);
      await expect(keys.derivedKey(thief, 'cursor')).rejects.toMatchObject({ code: 'UNSEAL_FAILED' });
      await dataSource.query('UPDATE client_key SET secret = ? WHERE client_id = ?', [row.secret, thief]);
      await expect(keys.derivedKey(thief, 'cursor')).rejects.toMatchObject({ code: 'UNSEAL_FAILED' });
    });

    test('no key lies in the store in the clear', async () => {
      const [subject] = uuids(1) as [string];
      const subjectKey = (await keys.createSubjectKeys(client, [subject])).get(subject) as Buffer;
      const clientKey = await keys.derivedKey(client, 'cursor');
      const stored = ['key_epoch', 'client_key', 'bucket_key', 'subject_key'].map((table) =>
        dataSource.query<object[]>(`SELECT * FROM ${table}`),
      );
      const bytes = (await Promise.all(stored)).flat().flatMap((row) => Object.values(row).filter(Buffer.isBuffer));
      expect(bytes.length).toBeGreaterThan(4);
      for (const each of bytes) expect([each.includes(clientKey), each.includes(subjectKey)]).toEqual([false, false]);
    });
  });

  describe('subjects', () => {
    test('1,500 keys made at once are read back in another process, in whatever order and number', async () => {
      const ids = uuids(1500);
      const made = await keys.createSubjectKeys(client, ids);
      expect(new Set([...made.values()].map((key) => key.toString('hex'))).size).toBe(1500);
      const other = process();
      expect(await other.subjectKeys(client, ids.slice(0, 3))).toEqual(new Map([...made].slice(0, 3)));
      expect(await other.subjectKeys(client, [...ids].reverse())).toEqual(made);
      expect(await other.subjectKeys(client, [...ids, ...ids])).toEqual(made);
      expect(await other.subjectKeys(client, [])).toEqual(new Map());
    });

    test('one that is not there, or is another client’s, is simply absent', async () => {
      const [mine, theirs, nobody] = uuids(3) as [string, string, string];
      const other = randomUUID();
      await keys.createClientKey(other);
      const made = await keys.createSubjectKeys(client, [mine]);
      await keys.createSubjectKeys(other, [theirs]);
      expect(await keys.subjectKeys(client, [mine, theirs, nobody])).toEqual(made);
    });

    test('a key that exists is never replaced', async () => {
      const ids = uuids(1);
      const made = await keys.createSubjectKeys(client, ids);
      await expect(keys.createSubjectKeys(client, ids)).rejects.toThrow(/unique|duplicate/i);
      expect(await process().subjectKeys(client, ids)).toEqual(made);
    });

    test('reading again within the bound asks the database nothing, and after it asks again', async () => {
      const ids = uuids(5);
      const made = await keys.createSubjectKeys(client, ids);
      const other = process();
      await other.subjectKeys(client, ids);
      const asked = jest.spyOn(dataSource.logger, 'logQuery');
      try {
        time += KEY_CACHE_TTL_MS - 1;
        expect(await other.subjectKeys(client, ids)).toEqual(made);
        expect(asked).not.toHaveBeenCalled();
        time += 2;
        expect(await other.subjectKeys(client, ids)).toEqual(made);
        // For the subjects, their bucket, the client's node and the epoch.
        expect(asked).toHaveBeenCalledTimes(4);
      } finally {
        asked.mockRestore();
      }
    });

    test('a key in a request’s hands stays whole when the cache forgets it, and is the request’s to spoil', async () => {
      const [subject] = uuids(1) as [string];
      const made = await keys.createSubjectKeys(client, [subject]);
      const other = process();
      const first = (await other.subjectKeys(client, [subject])).get(subject) as Buffer;
      const cached = (await other.subjectKeys(client, [subject])).get(subject) as Buffer;
      first.fill(0);
      expect((await other.subjectKeys(client, [subject])).get(subject)).toEqual(made.get(subject));
      other.close();
      expect(cached).toEqual(made.get(subject));
    });
  });

  describe('keys that are used and not seen', () => {
    const place = {};
    /** What a process opens of a subject, and whether it remembered it. */
    const opened = (store: KeyStore, subject: string, sealed: Buffer) =>
      store.withSubjectKeys(client, new Set([subject]), (handles) => {
        const handle = handles.get(subject);
        const known = handle?.recall(place, '');
        const remembered = known?.is([sealed]) ?? false;
        const content = remembered ? (known?.contents[0] as OpenedContent) : handle?.open(sealed, 'here');
        if (content && !remembered) handle?.remember(place, '', new OpenedRow([sealed], [content]));
        return { remembered, content: content?.value };
      });
    let subject: string;
    let sealed: Buffer;

    beforeEach(async () => {
      subject = randomUUID();
      const made = await keys.createSubjectKeys(client, [subject]);
      sealed = seal(made.get(subject) as Buffer, 'a secret', 'here');
    });

    test('what was opened is remembered until the key is forgotten', async () => {
      const other = process();
      // The first read brings the key, the second one what is opened with it.
      for (const remembered of [false, true]) {
        expect(await opened(other, subject, sealed)).toEqual({ remembered, content: 'a secret' });
      }
      time += KEY_CACHE_TTL_MS;
      expect(await opened(other, subject, sealed)).toEqual({ remembered: false, content: 'a secret' });
    });

    test('a destroyed key opens nothing: at once here, and elsewhere within the bound', async () => {
      const other = process();
      for (const store of [keys, other]) await opened(store, subject, sealed);
      await keys.destroySubjectKey(client, subject);
      expect((await opened(keys, subject, sealed)).content).toBeUndefined();
      time += KEY_CACHE_TTL_MS;
      expect(await opened(other, subject, sealed)).toEqual({ remembered: false, content: undefined });
    });

    test('nor does one of a destroyed client', async () => {
      await opened(keys, subject, sealed);
      await keys.destroyClientKey(client);
      expect((await opened(keys, subject, sealed)).content).toBeUndefined();
    });

    test('a read under way while the cache forgets everything still opens', async () => {
      const other = process();
      const [second] = uuids(1) as [string];
      const made = await keys.createSubjectKeys(client, [second]);
      const theirs = seal(made.get(second) as Buffer, 'another', 'here');
      await opened(other, subject, sealed);
      const reading = other.withSubjectKeys(client, new Set([subject, second]), (handles) => [
        handles.get(subject)?.open(sealed, 'here').value,
        handles.get(second)?.open(theirs, 'here').value,
      ]);
      time += KEY_CACHE_TTL_MS;
      expect(await reading).toEqual(['a secret', 'another']);
    });

    test('a name made with the key is the same in every process', async () => {
      const mac = (store: KeyStore) =>
        store.withSubjectKeys(client, new Set([subject]), (handles) => handles.get(subject)?.mac('who'));
      const name = await mac(keys);
      expect(name).toMatch(/^[\w-]{22}$/);
      for (const store of [keys, process()]) expect(await mac(store)).toBe(name);
    });
  });

  describe('destruction', () => {
    test('a subject’s key is absent at once, cached or not; other processes forget it within the bound', async () => {
      const [gone, stays] = uuids(2) as [string, string];
      await keys.createSubjectKeys(client, [gone, stays]);
      const other = process();
      for (const store of [keys, other]) expect((await store.subjectKeys(client, [gone, stays])).size).toBe(2);
      await keys.destroySubjectKey(client, gone);
      expect([...(await keys.subjectKeys(client, [gone, stays])).keys()]).toEqual([stays]);
      expect([...(await process().subjectKeys(client, [gone, stays])).keys()]).toEqual([stays]);
      time += KEY_CACHE_TTL_MS + 1;
      expect([...(await other.subjectKeys(client, [gone, stays])).keys()]).toEqual([stays]);
      await keys.destroySubjectKey(client, gone);
    });

    test('a read that was under way when the key was destroyed leaves nothing in the cache', async () => {
      const elsewhere = new AsyncResource('AnotherRequest');
      const [subject] = uuids(1) as [string];
      await keys.createSubjectKeys(client, [subject]);
      const read = SubjectBuckets.prototype.read;
      const asked = jest.spyOn(SubjectBuckets.prototype, 'read').mockImplementation(async function (
        this: SubjectBuckets,
        ...asking: Parameters<typeof read>
      ) {
        asked.mockRestore();
        const found = await read.apply(this, asking);
        // By another request, which does not have this read's turn.
        await elsewhere.runInAsyncScope(() => keys.destroySubjectKey(client, subject));
        return found;
      });
      expect((await keys.subjectKeys(client, [subject])).size).toBe(1);
      expect((await keys.subjectKeys(client, [subject])).size).toBe(0);
    });

    test('a client’s key takes every subject with it, and is never made again', async () => {
      const ids = uuids(700);
      const other = randomUUID();
      await keys.createClientKey(other);
      await keys.createSubjectKeys(client, ids);
      const theirs = await keys.createSubjectKeys(other, ids.slice(0, 1));
      await keys.subjectKeys(client, ids);
      await keys.destroyClientKey(client);
      await keys.destroyClientKey(client);
      for (const store of [keys, process()]) {
        await expect(store.derivedKey(client, 'cursor')).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
        expect(await store.subjectKeys(client, ids)).toEqual(new Map());
        await expect(store.createSubjectKeys(client, uuids(1))).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
        await expect(store.createClientKey(client)).rejects.toThrow(/unique|duplicate/i);
        expect(await store.subjectKeys(other, ids)).toEqual(theirs);
      }
      expect(await dataSource.getRepository(ClientKey).findOneBy({ clientId: client })).toMatchObject({
        node: null,
        nextNode: null,
        secret: null,
        destroyedAt: time,
      });
      expect(await dataSource.getRepository(SubjectKey).countBy({ clientId: client })).toBe(0);
    });

    test('a backup of the data does not bring the person back (pitfall 26)', async () => {
      const data = await openDataSource(database.databaseUrl, {
        variable: 'DATABASE_URL',
        entities: [],
        migrations: [],
      });
      const [subject] = uuids(1) as [string];
      const key = (await keys.createSubjectKeys(client, [subject])).get(subject) as Buffer;
      await data.query('CREATE TABLE person (id varchar(36) NOT NULL PRIMARY KEY, sealed blob NOT NULL)');
      await data.query('INSERT INTO person VALUES (?, ?)', [subject, seal(key, 'canary', subject)]);
      await data.query('CREATE TABLE backup AS SELECT * FROM person');

      await data.query('DELETE FROM person');
      await keys.destroySubjectKey(client, subject);
      await data.query('INSERT INTO person SELECT * FROM backup');

      const [restored] = await data.query<{ id: string; sealed: Buffer }[]>('SELECT * FROM person');
      expect(unseal(key, restored?.sealed as Buffer, subject)).toBe('canary');
      for (const store of [keys, process()]) expect((await store.subjectKeys(client, [subject])).size).toBe(0);
      await data.destroy();
    });

    if (name === 'SQLite') {
      test('the wrapped bytes are gone from the database file and from its write-ahead log', async () => {
        const file = database.keysDatabaseUrl.slice('sqlite:'.length);
        const inFiles = (bytes: Buffer) =>
          [file, `${file}-wal`].some((path) => existsSync(path) && readFileSync(path).includes(bytes));
        const [subject] = uuids(1) as [string];
        await keys.createSubjectKeys(client, [subject]);
        const wrapped = await Promise.all(
          [
            'SELECT wrapped FROM subject_key WHERE client_id = ?',
            'SELECT node AS wrapped FROM client_key WHERE client_id = ?',
            'SELECT secret AS wrapped FROM client_key WHERE client_id = ?',
          ].map(async (sql) => (await dataSource.query<{ wrapped: Buffer }[]>(sql, [client]))[0]?.wrapped as Buffer),
        );
        expect(wrapped.map(inFiles)).toEqual([true, true, true]);
        await keys.destroySubjectKey(client, subject);
        expect(wrapped.map(inFiles)).toEqual([false, true, true]);
        await keys.destroyClientKey(client);
        expect(wrapped.map(inFiles)).toEqual([false, false, false]);
      });
    }
  });

  describe('sweeping orphans', () => {
    test('destroys the keys without a row, and no other', async () => {
      const ids = uuids(1200);
      await keys.createSubjectKeys(client, ids);
      const orphans = new Set(ids.filter((_, index) => index % 100 === 7));
      await keys.subjectKeys(client, ids);
      time += ORPHAN_GRACE_MS + 1;
      const [young] = uuids(1) as [string];
      await keys.createSubjectKeys(client, [young]);
      const exists = jest.fn(async (some: string[]) => new Set(some.filter((each) => !orphans.has(each))));
      expect(await keys.sweepOrphans(client, exists)).toEqual({ looked: 1_200, swept: 12 });
      expect(exists.mock.calls.flatMap(([some]) => some).sort()).toEqual([...ids].sort());
      const left = await keys.subjectKeys(client, [...ids, young]);
      expect([...left.keys()].sort()).toEqual([...ids.filter((each) => !orphans.has(each)), young].sort());
      expect(await keys.sweepOrphans(client, exists)).toEqual({ looked: 1_188, swept: 0 });
      const first = await keys.sweepOrphans(client, exists, { limit: 500 });
      expect(first).toMatchObject({ swept: 0, next: expect.any(String) });
      const rest = await keys.sweepOrphans(client, exists, { after: first.next ?? '' });
      expect(first.looked + rest.looked).toBe(1_188);
    });

    test('a check that fails destroys nothing', async () => {
      const ids = uuids(3);
      await keys.createSubjectKeys(client, ids);
      time += ORPHAN_GRACE_MS + 1;
      await expect(keys.sweepOrphans(client, () => Promise.reject(new Error('database down')))).rejects.toThrow();
      expect((await keys.subjectKeys(client, ids)).size).toBe(3);
    });
  });
});

test('keys that had arrived when the answer was lost are counted once', async () => {
  const source = await openKeysSource(`sqlite:${join(folder, 'lost-answer.db')}`);
  const keys = new KeyStore(source, master);
  const client = randomUUID();
  await keys.createClientKey(client);
  for (const people of [2, 1]) {
    const database = embeddedDatabaseOf(source);
    const exec = database.exec.bind(database);
    const spied = jest.spyOn(database, 'exec').mockImplementation((sql: string) => {
      const done = exec(sql);
      if (!sql.startsWith('COMMIT')) return done;
      spied.mockRestore();
      throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
    });
    await keys.createSubjectKeys(client, Array.from({ length: people }, randomUUID));
    expect(database.exec).not.toBe(spied);
  }
  const counted = await source.query(
    `SELECT members, (SELECT COUNT(*) FROM subject_key AS s WHERE s.client_id = b.client_id AND s.bucket = b.bucket) AS n
     FROM bucket_key AS b ORDER BY bucket`,
  );
  for (const { members, n } of counted) expect(members).toBe(n);
  expect(counted.reduce((sum: number, { n }: { n: number }) => sum + n, 0)).toBe(3);
  keys.close();
  await source.destroy();
});
