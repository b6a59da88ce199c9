import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataSource, EntityManager } from 'typeorm';
import { CreateKeyStore1700000000000 } from '../../migrations/keys/1700000000000-create-key-store';
import { AddEpochs1700000000026 } from '../../migrations/keys/1700000000026-add-epochs';
import { ReplaceClientSecrets1700000000034 } from '../../migrations/keys/1700000000034-replace-client-secrets';
import { RememberRoots1700000000036 } from '../../migrations/keys/1700000000036-remember-roots';
import { encrypt } from '../../src/keys/aes-gcm';
import { SEAL_OVERHEAD_BYTES } from '../../src/keys/envelope';
import { KeyStore } from '../../src/keys/key-store';
import type { RootKeys } from '../../src/keys/roots/root-keys';
import { isBeforeEpochs, upgradeToEpochs } from '../../src/keys/upgrade';
import { migrate, openDataSource } from '../../src/storage/data-source';
import { databases, type TestDatabase } from '../support/databases';
import { newRoots } from './keys-source';

describe.each(databases)('a keys’ store from before epochs on $name', ({ create }) => {
  let database: TestDatabase;
  let source: DataSource;
  let folder: string;
  let roots: RootKeys;
  let root: string;

  beforeEach(async () => {
    database = await create();
    folder = mkdtempSync(join(tmpdir(), 'remit-upgrade-'));
    roots = await newRoots(folder);
    [root = ''] = await roots.ids();
    const migrations = [CreateKeyStore1700000000000];
    source = await openDataSource(database.keysDatabaseUrl, { variable: 'KEYS', entities: [], migrations });
    await migrate(source);
  });

  afterEach(async () => {
    await source.destroy();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  /** A client's key and its subjects', as they were stored before. */
  async function plant(client: string, persons: readonly string[]) {
    const clientKey = randomBytes(32);
    const keys = new Map(persons.map((person) => [person, randomBytes(32)]));
    await source.query('INSERT INTO client_key (client_id, wrapped, master_key_id, created_at) VALUES (?, ?, ?, ?)', [
      ...[client, await roots.wrap(root, clientKey, `client-key:${client}`), root, 5],
    ]);
    for (const [person, key] of keys) {
      const wrapped = encrypt(clientKey, key, `subject-key:${client}:${person}`);
      await subject(client, person, wrapped);
    }
    return { clientKey, keys };
  }

  const subject = (client: string, person: string, wrapped: Buffer) =>
    source.query('INSERT INTO subject_key (client_id, subject_id, wrapped, created_at) VALUES (?, ?, ?, ?)', [
      ...[client, person, wrapped, 7],
    ]);

  async function upgraded(): Promise<number> {
    const runner = source.createQueryRunner();
    await new AddEpochs1700000000026().up(runner);
    await runner.release();
    return upgradeToEpochs(source, async () => roots);
  }

  test('keeps every key, whatever is derived, and who was destroyed, and can be killed at any statement', async () => {
    const [client, other, gone] = [randomUUID(), randomUUID(), randomUUID()];
    const [overwritten, altered] = [randomUUID(), randomUUID()];
    const persons = Array.from({ length: 300 }, () => randomUUID());
    const planted = await plant(client, persons);
    const theirs = await plant(other, persons.slice(0, 2));
    await source.query(
      'INSERT INTO client_key (client_id, wrapped, master_key_id, created_at, destroyed_at) VALUES (?, NULL, ?, 5, 6)',
      [gone, root],
    );
    await subject(client, overwritten, Buffer.alloc(32 + SEAL_OVERHEAD_BYTES));
    await subject(client, altered, randomBytes(61));
    const columnsOf = async () => Object.keys((await source.query('SELECT * FROM client_key'))[0]).sort();

    const query = EntityManager.prototype.query;
    for (let survived = 0, isDone = false; !isDone; survived++) {
      let statements = 0;
      const asked = jest.spyOn(EntityManager.prototype, 'query').mockImplementation(async function (
        this: EntityManager,
        ...asking: Parameters<EntityManager['query']>
      ) {
        if (/UPDATE subject_key|INSERT INTO `bucket_key`|node = /.test(asking[0]) && statements++ === survived)
          throw new Error('killed');
        return query.apply(this, asking);
      });
      isDone = await upgraded().then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe('killed');
          return false;
        },
      );
      asked.mockRestore();
    }
    expect(await isBeforeEpochs(source)).toBe(false);
    expect(await columnsOf()).not.toEqual(expect.arrayContaining(['wrapped']));
    // What today's store has beside that.
    const runner = source.createQueryRunner();
    await new ReplaceClientSecrets1700000000034().up(runner);
    await new RememberRoots1700000000036().up(runner);
    await runner.release();

    const keys = new KeyStore(source, roots);
    for (const [id, was] of [
      [client, planted],
      [other, theirs],
    ] as const) {
      expect(await keys.subjectKeys(id, [...was.keys.keys()])).toEqual(was.keys);
      const derived = hkdfSync('sha256', was.clientKey, Buffer.alloc(0), 'remit/v1/blind-index', 32);
      expect(await keys.derivedKey(id, 'blind-index')).toEqual(Buffer.from(derived));
    }
    expect(await keys.damagedAmong(client, [altered, overwritten])).toEqual(new Set([altered]));
    await expect(keys.derivedKey(gone, 'cursor')).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
    expect(await keys.epochs.list()).toMatchObject([{ number: 1, rootId: root, state: 'CURRENT', begunAt: 5 }]);

    // With the first epoch's end the old master key goes, and nobody else.
    await keys.epochs.turn({ leaveDamaged: true });
    expect(await roots.ids()).not.toContain(root);
    expect(await new KeyStore(source, roots).subjectKeys(client, persons)).toEqual(planted.keys);
    keys.close();
  });

  test('one without clients needs no root', async () => {
    const runner = source.createQueryRunner();
    await new AddEpochs1700000000026().up(runner);
    await runner.release();
    expect(await isBeforeEpochs(source)).toBe(true);
    expect(await upgradeToEpochs(source, () => Promise.reject(new Error('no root')))).toBe(0);
    expect(await isBeforeEpochs(source)).toBe(false);
  });
});
