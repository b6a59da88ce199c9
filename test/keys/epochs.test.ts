import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { whyUnfit } from '../../src/keys/backup/unfit-store';
import type { TurnStep } from '../../src/keys/epochs/epoch-state';
import { KEY_CACHE_TTL_MS } from '../../src/keys/key-cache';
import { KeyStore, type KeyStoreOptions } from '../../src/keys/key-store';
import { openRootKeys, type RootKeys } from '../../src/keys/roots/root-keys';
import { HOUR_MS } from '../../src/law/calendar';
import { embeddedDatabaseOf } from '../../src/storage/dialect';
import { databases, type TestDatabase } from '../support/databases';
import { newRoots, openKeysSource } from './keys-source';

describe.each(databases)('epochs on $name', ({ name, create }) => {
  let database: TestDatabase;
  let source: DataSource;
  let folder: string;
  let roots: RootKeys;
  let keys: KeyStore;
  let client: string;
  let time: number;
  const opened: KeyStore[] = [];

  const process = (options: KeyStoreOptions = {}) => {
    const store = new KeyStore(source, roots, { now: () => time, ...options });
    opened.push(store);
    return store;
  };
  const persons = (length: number): string[] => Array.from({ length }, () => randomUUID());
  const rows = <T>(sql: string, parameters: unknown[] = []) => source.query<T[]>(sql, parameters);
  const states = async () => (await keys.epochs.list()).map(({ state }) => state);

  beforeEach(async () => {
    database = await create();
    source = await openKeysSource(database.keysDatabaseUrl);
    folder = mkdtempSync(join(tmpdir(), 'remit-epochs-'));
    roots = await newRoots(folder);
    // Roots tell the time by their own clock.
    time = Date.now() + HOUR_MS;
    client = randomUUID();
    keys = process();
    await keys.createClientKey(client);
  });

  afterEach(async () => {
    for (const store of opened.splice(0)) store.close();
    await source.destroy();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  test('a turning makes destructions final, and what lives reads the same in every process', async () => {
    const ids = persons(600);
    const made = await keys.createSubjectKeys(client, ids);
    const [first, second, ...living] = ids as [string, string, ...string[]];
    const secret = await keys.derivedKey(client, 'cursor');
    const other = process();
    await other.subjectKeys(client, ids);
    const epoch = await keys.destroySubjectKey(client, first);
    expect(await keys.epochs.isFinal(epoch)).toBe(false);
    const [root] = await roots.ids();
    const before = await rows<{ subject_id: string; wrapped: Buffer }>('SELECT subject_id, wrapped FROM subject_key');

    const result = await keys.epochs.turn();
    // Of three buckets, the one with the destroyed person was wrapped anew: 255 others were in it.
    expect(result).toMatchObject({ epoch, clients: 1, buckets: 3, rewrapped: 255, destroyed: 1 });
    expect(await keys.epochs.isFinal(epoch)).toBe(true);
    expect(await states()).toEqual(['ENDED', 'CURRENT']);
    expect(await roots.ids()).not.toContain(root);
    expect(await roots.ids()).toHaveLength(1);
    const after = new Map(
      (await rows<{ subject_id: string; wrapped: Buffer }>('SELECT subject_id, wrapped FROM subject_key')).map(
        (row) => [row.subject_id, row.wrapped] as const,
      ),
    );
    expect(before.filter((row) => !after.get(row.subject_id)?.equals(row.wrapped))).toHaveLength(255);

    const expected = new Map([second, ...living].map((id) => [id, made.get(id)]));
    for (const store of [keys, process()]) expect(await store.subjectKeys(client, ids)).toEqual(expected);
    time += KEY_CACHE_TTL_MS;
    for (const store of [other, process()]) {
      expect(await store.subjectKeys(client, ids)).toEqual(expected);
      expect(await store.derivedKey(client, 'cursor')).toEqual(secret);
    }
    // What is destroyed after it is final with the next one.
    const next = await other.destroySubjectKey(client, second);
    expect(next).toBe(epoch + 1);
    expect(await other.epochs.isFinal(next)).toBe(false);
    await other.epochs.turn();
    expect(await keys.epochs.isFinal(next)).toBe(true);
    time += KEY_CACHE_TTL_MS;
    expect(await keys.subjectKeys(client, ids)).toEqual(new Map(living.map((id) => [id, made.get(id)])));
  });

  test('clients without a destroyed person keep their buckets; a destroyed one leaves none', async () => {
    const [quiet, leaving] = [randomUUID(), randomUUID()];
    for (const each of [quiet, leaving]) await keys.createClientKey(each);
    const made = await keys.createSubjectKeys(quiet, persons(10));
    await keys.createSubjectKeys(leaving, persons(10));
    const [bucket] = await rows<{ wrapped: Buffer }>('SELECT wrapped FROM bucket_key WHERE client_id = ?', [quiet]);
    const epoch = await keys.destroyClientKey(leaving);
    expect(await keys.epochs.turn()).toMatchObject({ epoch, clients: 2, buckets: 1, rewrapped: 0, destroyed: 10 });
    expect(await rows('SELECT wrapped FROM bucket_key WHERE client_id = ?', [quiet])).toEqual([bucket]);
    expect(await rows('SELECT * FROM bucket_key WHERE client_id = ?', [leaving])).toEqual([]);
    expect(await process().subjectKeys(quiet, [...made.keys()])).toEqual(made);
    await expect(process().derivedKey(leaving, 'cursor')).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
  });

  test('what is created while an epoch turns lives, whichever keys a process holds', async () => {
    const ids = persons(300);
    await keys.createSubjectKeys(client, ids);
    const other = process();
    const made = await other.createSubjectKeys(client, persons(3));
    await keys.destroySubjectKey(client, ids[0] as string);
    const waiting: Promise<unknown>[] = [];
    const newClients: string[] = [];
    const meanwhile = async () => {
      for (const [id, key] of await other.createSubjectKeys(client, persons(2))) made.set(id, key);
      const fresh = randomUUID();
      await other.createClientKey(fresh);
      newClients.push(fresh);
    };
    const told: TurnStep[] = [];
    const result = await keys.epochs.turn({
      progress: ({ step }) => {
        told.push(step);
        if (step !== 'verifying') waiting.push(meanwhile());
      },
    });
    await Promise.all(waiting);
    expect(result.destroyed).toBe(1);
    expect(told).toEqual(expect.arrayContaining(['root', 'begun', 'node', 'bucket', 'client', 'verified', 'ended']));
    time += KEY_CACHE_TTL_MS;
    for (const store of [keys, other, process()]) {
      expect(await store.subjectKeys(client, [...made.keys()])).toEqual(made);
      for (const each of newClients) expect(await store.derivedKey(each, 'cursor')).toHaveLength(32);
    }
    expect(await keys.epochs.turn()).toMatchObject({ destroyed: 0, rewrapped: 0 });
    expect(await process().subjectKeys(client, [...made.keys()])).toEqual(made);
  });

  test('a process that fills a bucket whose key was replaced meanwhile takes another one', async () => {
    const other = process();
    const [gone, ...staying] = persons(3) as [string, string, string];
    const made = await other.createSubjectKeys(client, [gone, ...staying]);
    await keys.destroySubjectKey(client, gone);
    expect(await keys.epochs.turn()).toMatchObject({ rewrapped: 2, destroyed: 1 });
    for (const [id, key] of await other.createSubjectKeys(client, persons(3))) made.set(id, key);
    made.delete(gone);
    expect(await process().subjectKeys(client, [...made.keys()])).toEqual(made);
  });

  test('hooks get the backup and the record of an epoch, once each', async () => {
    await keys.createSubjectKeys(client, persons(1));
    const backup = jest.fn(async (number: number) => `backup of ${number}`);
    const record = jest.fn(async ({ number, state }: { number: number; state: string }) => `${number} ${state}`);
    await keys.epochs.turn({ backup, record });
    expect(await keys.epochs.list()).toMatchObject([
      { number: 1, state: 'ENDED', backup: null, record: '1 ENDED' },
      { number: 2, state: 'CURRENT', backup: 'backup of 2', record: null },
    ]);
    expect(await keys.epochs.resume({ backup, record })).toBeUndefined();
    expect([backup.mock.calls, record.mock.calls]).toMatchObject([[[2]], [[{ number: 1 }, { epoch: 1 }]]]);
  });

  test('one process turns at a time; where it fails another goes on', async () => {
    await keys.createSubjectKeys(client, persons(1));
    const other = process();
    let refused: Promise<unknown> | undefined;
    const failing = keys.epochs.turn({
      backup: async () => {
        refused = other.epochs.turn().catch((error: unknown) => error);
        await refused;
        throw new Error('nowhere to put it');
      },
    });
    await expect(failing).rejects.toThrow('nowhere to put it');
    expect(await refused).toMatchObject({ code: 'EPOCH_BUSY' });
    expect(await states()).toEqual(['TURNING', 'CURRENT']);
    expect(await roots.ids()).toHaveLength(2);
    expect(await other.epochs.resume()).toMatchObject({ epoch: 1, clients: 1 });
    expect(await states()).toEqual(['ENDED', 'CURRENT']);
  });

  test('keys that were altered stop it before anything is lost, until they are mended or left', async () => {
    const ids = persons(3);
    const made = await keys.createSubjectKeys(client, ids);
    const [gone, altered] = ids as [string, string, string];
    await keys.destroySubjectKey(client, gone);
    const alter = async (table: string, where: string, value: string) => {
      const sql = `SELECT wrapped FROM ${table} WHERE ${where} = ?`;
      const [row] = await rows<{ wrapped: Buffer }>(sql, [value]);
      await source.query(`UPDATE ${table} SET wrapped = ? WHERE ${where} = ?`, [Buffer.alloc(61, 1), value]);
      return () => source.query(`UPDATE ${table} SET wrapped = ? WHERE ${where} = ?`, [row?.wrapped, value]);
    };
    for (const [table, where, value, what] of [
      ['subject_key', 'subject_id', altered, `the key of person ${altered} does not open`],
      ['bucket_key', 'client_id', client, 'its bucket 1 does not open'],
    ] as const) {
      const mend = await alter(table, where, value);
      await expect(keys.epochs.turn()).rejects.toMatchObject({
        code: 'DAMAGED_KEYS',
        message: expect.stringContaining(what),
      });
      expect(await states()).toEqual(['TURNING', 'CURRENT']);
      await mend();
    }
    await alter('subject_key', 'subject_id', altered);
    await keys.epochs.turn({ leaveDamaged: true });
    made.delete(gone);
    made.delete(altered);
    expect(await process().subjectKeys(client, ids)).toEqual(made);
    expect(await process().damagedAmong(client, ids)).toEqual(new Set([altered]));
  });

  test.each([
    ['client_key', 'its own row is missing in client_key'],
    ['bucket_key', 'its bucket 2 is missing in bucket_key'],
  ])('a row of %s that vanished stops it before anything is lost, until it is put back', async (table, fault) => {
    const ids = persons(300);
    const made = await keys.createSubjectKeys(client, ids);
    const [marked, gone] = [ids[0], ids[299]] as [string, string];
    await keys.destroySubjectKey(client, marked);
    const at = table === 'bucket_key' ? ' AND bucket = 2' : '';
    const [row = {}] = await rows<Record<string, unknown>>(`SELECT * FROM ${table} WHERE client_id = ?${at}`, [client]);
    await source.query(`DELETE FROM ${table} WHERE client_id = ?${at}`, [client]);
    await expect(keys.epochs.turn()).rejects.toMatchObject({
      code: 'DAMAGED_KEYS',
      message: expect.stringContaining(`The keys of client ${client} are damaged: ${fault}.`),
    });
    expect(await states()).toEqual(['TURNING', 'CURRENT']);
    const columns = Object.keys(row);
    const put = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    await source.query(put, Object.values(row));
    await keys.destroySubjectKey(client, gone);
    await keys.epochs.resume();
    await keys.epochs.turn();
    for (const id of [marked, gone]) made.delete(id);
    expect(await process().subjectKeys(client, ids)).toEqual(made);
  });

  test('a person is destroyed for good though the row of the bucket is lost', async () => {
    const [gone, other] = persons(2) as [string, string];
    await keys.createSubjectKeys(client, [gone]);
    await process().createSubjectKeys(client, [other]);
    const [before] = await rows<{ node: Buffer }>('SELECT node FROM client_key WHERE client_id = ?', [client]);
    await source.query('DELETE FROM bucket_key WHERE client_id = ? AND bucket = 1', [client]);
    const epoch = await keys.destroySubjectKey(client, gone);
    // An old copy of the bucket's row opens under the node, so both have to go.
    expect(await keys.epochs.turn()).toMatchObject({ epoch, destroyed: 1 });
    const [after] = await rows<{ node: Buffer; node_generation: number }>(
      'SELECT node, node_generation FROM client_key WHERE client_id = ?',
      [client],
    );
    expect([after?.node_generation, after?.node.equals(before?.node as Buffer)]).toEqual([epoch + 1, false]);
    const left = await rows('SELECT bucket, node_generation, generation, members FROM bucket_key ORDER BY bucket');
    expect(left).toEqual([
      { bucket: 1, node_generation: epoch + 1, generation: epoch + 1, members: 0 },
      { bucket: 2, node_generation: epoch + 1, generation: epoch, members: 1 },
    ]);
    expect((await process().subjectKeys(client, [gone, other])).size).toBe(1);
  });

  test.each([
    ['unmarked', 0],
    ['marked', 1],
  ])('a damaged bucket with nobody left in it keeps nobody, %s', async (_, marked) => {
    const [gone, other] = persons(2) as [string, string];
    await keys.createSubjectKeys(client, [gone]);
    const made = await process().createSubjectKeys(client, [other]);
    await keys.destroySubjectKey(client, gone);
    await source.query('UPDATE bucket_key SET wrapped = ?, marked = ? WHERE client_id = ? AND bucket = 1', [
      ...[Buffer.alloc(61, 1), marked, client],
    ]);
    // A bucket that lost somebody is found by those who are left in it, whatever else its row says.
    expect(await keys.epochs.turn()).toMatchObject({ destroyed: 1, rewrapped: 0 });
    expect(await states()).toEqual(['ENDED', 'CURRENT']);
    const left = await rows<{ bucket: number; generation: number }>(
      'SELECT bucket, generation FROM bucket_key ORDER BY bucket',
    );
    expect(left).toEqual([
      { bucket: 1, generation: 2 },
      { bucket: 2, generation: 1 },
    ]);
    expect(await process().subjectKeys(client, [gone, other])).toEqual(made);
    expect(await keys.epochs.turn()).toMatchObject({ destroyed: 0, rewrapped: 0 });
  });

  test('a key that was deleted and nothing else is final with the epoch, though others came into its bucket', async () => {
    const ids = persons(5);
    const made = await keys.createSubjectKeys(client, ids);
    const [gone] = ids as [string];
    // As where a process died right after the statement.
    await source.query('DELETE FROM subject_key WHERE client_id = ? AND subject_id = ?', [client, gone]);
    for (const [id, key] of await keys.createSubjectKeys(client, persons(1))) made.set(id, key);
    made.delete(gone);
    const before = await rows<{ node: Buffer; wrapped: Buffer }>(
      'SELECT c.node, b.wrapped FROM client_key AS c JOIN bucket_key AS b ON b.client_id = c.client_id',
    );
    expect(before).toHaveLength(1);
    const due = process({ epoch: HOUR_MS });
    time += 2 * HOUR_MS;
    expect(await due.epochs.turnWhenDue()).toMatchObject({ rewrapped: 5, destroyed: 1 });
    const after = await rows<{ node: Buffer; wrapped: Buffer }>(
      'SELECT c.node, b.wrapped FROM client_key AS c JOIN bucket_key AS b ON b.client_id = c.client_id',
    );
    expect(after[0]?.node.equals(before[0]?.node as Buffer)).toBe(false);
    expect(after[0]?.wrapped.equals(before[0]?.wrapped as Buffer)).toBe(false);
    expect(await process().subjectKeys(client, [gone, ...made.keys()])).toEqual(made);
  });

  test('a root that a process made and died is the next one’s; one that nobody noted is destroyed', async () => {
    await keys.createSubjectKeys(client, persons(1));
    const killed = new Error('killed');
    const vain = await roots.create();
    const dies = keys.epochs.turn({
      progress: ({ step }) => {
        if (step === 'root') throw killed;
      },
    });
    await expect(dies).rejects.toBe(killed);
    expect(await states()).toEqual(['CURRENT']);
    const [first, ...made] = await roots.ids();
    expect(made).toHaveLength(2);
    const noted = made.find((id) => id !== vain);
    await keys.epochs.turn();
    expect((await keys.epochs.list()).map(({ rootId }) => rootId)).toEqual([first, noted]);
    expect(await roots.ids()).toEqual([noted]);
  });

  /** Another process takes the turning of an epoch over from one that has stood still for too long. */
  const takenOver = async (epoch: number) => {
    await source.query('UPDATE key_epoch SET lease_until = 1 WHERE number = ?', [epoch]);
    return process();
  };
  const killed = new Error('killed');
  const dyingAt = (at: TurnStep) => ({
    progress: ({ step }: { step: TurnStep }) => {
      if (step === at) throw killed;
    },
  });
  /** Roots as they are for a process that stands still just before it does something to them. */
  const slowRoots = (act: 'sweep' | 'destroy', meanwhile: () => Promise<unknown>, of = roots): RootKeys =>
    new Proxy(of, {
      get: (_, name) => {
        const value: unknown = Reflect.get(of, name);
        if (typeof value !== 'function') return value;
        const call = value.bind(of);
        if (name !== act) return call;
        return async (...given: unknown[]) => {
          await meanwhile();
          return call(...given);
        };
      },
    });

  test.each(['root', 'begun'] as const)(
    'a process that stood still before it swept, while the next epoch was at “%s”, leaves its root',
    async (at) => {
      const ids = persons(3);
      const made = await keys.createSubjectKeys(client, ids);
      const slow = new KeyStore(
        source,
        slowRoots('sweep', async () => {
          const other = await takenOver(1);
          await other.epochs.resume();
          await expect(other.epochs.turn(dyingAt(at))).rejects.toBe(killed);
        }),
        { now: () => time },
      );
      opened.push(slow);
      await expect(slow.epochs.turn()).rejects.toMatchObject({ code: 'TURN_LOST' });
      expect(await roots.ids()).toHaveLength(2);
      const [{ id: next } = { id: '' }] = await rows<{ id: string }>(
        at === 'root'
          ? 'SELECT next_root_id AS id FROM key_epoch WHERE number = 2'
          : 'SELECT root_id AS id FROM key_epoch WHERE number = 3',
      );
      expect(await roots.ids()).toContain(next);
      await keys.epochs[at === 'root' ? 'turn' : 'resume']();
      expect((await keys.epochs.list()).at(-1)).toMatchObject({ number: 3, rootId: next, state: 'CURRENT' });
      expect(await process().subjectKeys(client, ids)).toEqual(made);
    },
  );

  test('a root that is noted for the epoch after the next one is not swept', async () => {
    let noted = '';
    const slow = slowRoots('sweep', async () => {
      noted = await roots.create();
      await source.query('UPDATE key_epoch SET next_root_id = ? WHERE number = 2', [noted]);
    });
    const store = new KeyStore(source, slow, { now: () => time });
    opened.push(store);
    await store.epochs.turn();
    expect(await roots.ids()).toContain(noted);
    await keys.epochs.turn();
    expect(await roots.ids()).toEqual([noted]);
  });

  test('a noted root that is given up is nobody’s before it is destroyed', async () => {
    const ids = persons(3);
    const made = await keys.createSubjectKeys(client, ids);
    await expect(keys.epochs.turn(dyingAt('root'))).rejects.toBe(killed);
    const noted = (await roots.ids()).at(-1);
    await newRoots(folder, 'moved.key');
    const before = `file:${join(folder, 'master.key')}`;
    const masterKeyFile = join(folder, 'moved.key');
    const moving = await openRootKeys({ masterKeyFile, rootKeyBefore: before, production: true });
    const slow = slowRoots(
      'destroy',
      async () => {
        const other = await takenOver(1);
        await expect(other.epochs.turn(dyingAt('begun'))).rejects.toBe(killed);
      },
      moving,
    );
    const store = new KeyStore(source, slow, { now: () => time });
    opened.push(store);
    await expect(store.epochs.turn()).rejects.toMatchObject({ code: 'TURN_LOST' });
    await keys.epochs.resume();
    const [{ rootId } = { rootId: '' }] = (await keys.epochs.list()).slice(-1);
    expect(rootId).not.toBe(noted);
    expect(await roots.ids()).toEqual([rootId]);
    expect(await process().subjectKeys(client, ids)).toEqual(made);
  });

  test.each([
    ['was never noted is destroyed', false],
    ['may be noted stays, and is the next one’s', true],
  ])('where noting a root fails, one that %s', async (_, isNoted) => {
    const lost = new Proxy(roots, {
      get: (_target, name) => {
        const value: unknown = Reflect.get(roots, name);
        if (typeof value !== 'function') return value;
        if (name !== 'create') return value.bind(roots);
        return (note: (id: string) => Promise<void>) =>
          roots.create(async (id) => {
            if (!isNoted) await source.query("UPDATE key_epoch SET lease_holder = 'another' WHERE number = 1");
            await note(id);
            throw new Error('the connection was lost');
          });
      },
    });
    const store = new KeyStore(source, lost, { now: () => time });
    opened.push(store);
    await expect(store.epochs.turn()).rejects.toThrow(isNoted ? 'connection' : 'another process');
    const [, noted] = await roots.ids();
    expect(noted === undefined).toBe(!isNoted);
    await (await takenOver(1)).epochs.turn();
    const { rootId } = (await keys.epochs.list()).at(-1) ?? {};
    if (isNoted) expect(rootId).toBe(noted);
    expect(await roots.ids()).toEqual([rootId]);
  });

  test('a process that looked before another one began does not turn the epoch that began', async () => {
    const other = process();
    let go = () => {};
    const begun = new Promise<void>((resolve) => {
      go = resolve;
    });
    const resume = other.epochs.resume.bind(other.epochs);
    other.epochs.resume = async (hooks) => {
      const resumed = await resume(hooks);
      await begun;
      return resumed;
    };
    const late = other.epochs.turn();
    const refused = expect(late).rejects.toMatchObject({ code: 'EPOCH_BUSY' });
    await keys.epochs.turn({
      backup: async () => {
        go();
        await refused;
        return undefined;
      },
    });
    expect(await states()).toEqual(['ENDED', 'CURRENT']);
    expect(await roots.ids()).toHaveLength(1);
  });

  test('a host with a copy of the root is told so once another host has turned', async () => {
    const [person] = persons(1) as [string];
    await keys.createSubjectKeys(client, [person]);
    const other = join(folder, 'other host');
    mkdirSync(other);
    copyFileSync(join(folder, 'master.key'), join(other, 'master.key'));
    const copied = await openRootKeys({ masterKeyFile: join(other, 'master.key'), production: true });
    const why = () => whyUnfit({ name: 'keys', source, roots: copied }, { folder: undefined, client });
    expect(await why()).toBeUndefined();
    await keys.epochs.turn();
    expect(await why()).toMatch(
      /is not here\. What is here is the root of epoch 1, which has ended: a copy of it is on this host, .*Destroy this copy/,
    );
    const there = new KeyStore(source, copied, { now: () => time });
    opened.push(there);
    await expect(there.subjectKeys(client, [person])).rejects.toThrow(/where another host has it, share its folder/);
  });

  test('an epoch ends when it is time and something was destroyed in it, or after a month', async () => {
    const [gone] = persons(1) as [string];
    await keys.createSubjectKeys(client, [gone]);
    keys = process({ epoch: 6 * HOUR_MS });
    const due = () => keys.epochs.turnWhenDue();
    time += 7 * HOUR_MS;
    expect(await due()).toBeUndefined();
    await keys.destroySubjectKey(client, gone);
    expect(await due()).toMatchObject({ epoch: 1, destroyed: 1 });
    time += 7 * HOUR_MS;
    // Somebody may have been erased while the first one was turning: that waits for the second.
    expect(await due()).toMatchObject({ epoch: 2, destroyed: 0 });
    time += 7 * HOUR_MS;
    expect(await due()).toBeUndefined();
    time += 30 * 24 * HOUR_MS;
    expect(await due()).toMatchObject({ epoch: 3 });
    await keys.destroyClientKey(client);
    expect(await due()).toBeUndefined();
    time += 6 * HOUR_MS;
    expect(await due()).toMatchObject({ epoch: 4 });
  });

  test('without epochs a destruction is final once it is gone from the database', async () => {
    const off = process({ epoch: 'off' });
    const [gone] = persons(1) as [string];
    await off.createSubjectKeys(client, [gone]);
    const epoch = await off.destroySubjectKey(client, gone);
    expect(off.epochs.everyMs).toBeUndefined();
    expect(await off.epochs.isFinal(epoch)).toBe(true);
  });

  if (name === 'SQLite') {
    test('while a reader keeps the write-ahead log, an epoch does not end and nothing is final; then it does', async () => {
      const off = process({ epoch: 'off' });
      const ids = persons(2);
      await keys.createSubjectKeys(client, ids);
      const reader = await openKeysSource(database.keysDatabaseUrl);
      const reading = embeddedDatabaseOf(reader);
      reading.exec('BEGIN');
      reading.prepare('SELECT COUNT(*) FROM subject_key').get();
      const epoch = await keys.destroySubjectKey(client, ids[0] as string);
      expect(await off.epochs.isFinal(epoch)).toBe(false);
      await expect(keys.epochs.turn()).rejects.toMatchObject({ code: 'EPOCH_UNFINISHED' });
      expect(await states()).toEqual(['DESTROYING', 'CURRENT']);
      expect(await keys.epochs.isFinal(epoch)).toBe(false);
      expect(await roots.ids()).toHaveLength(2);
      reading.exec('COMMIT');
      expect(await off.epochs.isFinal(epoch)).toBe(true);
      expect(await keys.epochs.resume()).toMatchObject({ epoch });
      expect(await keys.epochs.isFinal(epoch)).toBe(true);
      await reader.destroy();
    });
  }
});
