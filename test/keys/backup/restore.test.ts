import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restoreKeys } from '../../../src/keys/backup/restore';
import { backUpKeys } from '../../../src/keys/backup/write';
import { KeyStore } from '../../../src/keys/key-store';
import { ENGINE_PROFILES } from '../../../src/storage/engine-profiles';
import { openKeysStore, openStores, type StoreConfig } from '../../../src/stores';
import { type Installation, openInstallation } from '../../erasure/installation';
import { newClient, plantPeople } from '../../erasure/people';
import { databases, type TestDatabase } from '../../support/databases';

const folder = mkdtempSync(join(tmpdir(), 'remit-keys-restore-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Small transactions, as on the engine with the tightest bound. */
const profile = { ...ENGINE_PROFILES.galera, maxTransactionRows: 100 };

describe.each(databases)('a restore of the keys on $name', ({ name, create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let file: string;
  const made: TestDatabase[] = [];
  const people: string[] = [];
  let client: string;

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    client = await newClient(installation.services, 'acme');
    people.push(...(await plantPeople(installation.stores, client, [1, 2, 3])).map(({ id }) => id));
    const more = Array.from({ length: 700 }, (_, n) => `${String(n).padStart(8, '0')}-0000-7000-8000-000000000000`);
    await installation.stores.keys.createSubjectKeys(client, more);
    file = (await backUpKeys(installation.stores.keyStores.home, join(folder, name))).path;
  });
  afterAll(async () => {
    await installation.close();
    for (const each of [database, ...made]) await each.drop();
  });

  const config = (keysDatabaseUrl: string): StoreConfig => ({
    databaseUrl: database.databaseUrl,
    regionalDatabaseUrls: {},
    keysDatabaseUrl,
    masterKeyFile: installation.env.REMIT_MASTER_KEY_FILE ?? '',
    production: false,
    epoch: 'off',
  });
  const emptyStore = async () => {
    const fresh = await create();
    made.push(fresh);
    return config(fresh.keysDatabaseUrl);
  };

  test('everybody’s key is as it was', async () => {
    const to = await emptyStore();
    const place = await openKeysStore(to, 'keys');
    const progress: number[] = [];
    const header = await restoreKeys(place, profile, file, (done) => progress.push(done));
    await place.close();
    // The platform's signing key has one, too.
    expect(header.rows.subject_key).toBe(704);
    expect(progress.at(-1)).toBe(Object.values(header.rows).reduce((sum, n) => sum + n, 0));
    const stores = await openStores(to);
    const [before, after] = [installation.stores.keys, stores.keys];
    expect(await after.subjectKeys(client, people)).toEqual(await before.subjectKeys(client, people));
    expect((await after.subjectKeys(client, people)).size).toBe(3);
    await stores.close();
  });

  test('one that was killed midway is begun again; until then no server starts', async () => {
    const to = await emptyStore();
    const place = await openKeysStore(to, 'keys');
    const killed = new Error('killed');
    const midway = (done: number) => {
      if (done > 300) throw killed;
    };
    await expect(restoreKeys(place, profile, file, midway)).rejects.toBe(killed);
    await expect(openStores(to)).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining('a restore of the keys’ store has not ended'),
    });
    const header = await restoreKeys(place, profile, file);
    const [row] = await place.source.query<Array<{ n: number }>>('SELECT COUNT(*) AS n FROM subject_key');
    expect(Number(row?.n)).toBe(header.rows.subject_key);
    await place.close();
    await (await openStores(to)).close();
  });

  test('a store with keys is not filled, whatever the file', async () => {
    const place = await openKeysStore(config(database.keysDatabaseUrl), 'keys');
    const before = await place.source.query('SELECT * FROM key_epoch');
    await expect(restoreKeys(place, profile, file)).rejects.toThrow("the keys' store is not empty");
    expect(await place.source.query('SELECT * FROM key_epoch')).toEqual(before);
    await place.close();
  });

  test('a file of another store or another version is refused before anything is written', async () => {
    const place = await openKeysStore(await emptyStore(), 'keys');
    const refused = (other: Partial<typeof place>) => restoreKeys({ ...place, ...other }, profile, file);
    await expect(refused({ name: 'keys EU' })).rejects.toThrow('it is of the store "keys"');
    await place.source.query("INSERT INTO migrations (timestamp, name) VALUES (9000000000000, 'Later9000000000000')");
    await expect(refused({})).rejects.toThrow('of an older version of Remit, without Later9000000000000');
    await place.source.query("DELETE FROM migrations WHERE name LIKE 'Later%' OR name LIKE 'AddEpochs%'");
    await expect(refused({})).rejects.toThrow('of a newer version of Remit (AddEpochs');
    expect(await place.source.query('SELECT * FROM client_key')).toEqual([]);
    await place.close();
    expect(readdirSync(join(folder, name))).toHaveLength(1);
  });

  test('the next turning replaces all that wraps keys: it may have wrapped what the backup never knew', async () => {
    const place = await openKeysStore(await emptyStore(), 'keys');
    await restoreKeys(place, profile, file);
    const buckets = 'SELECT client_id, bucket, wrapped, generation FROM bucket_key ORDER BY client_id, bucket';
    const before = await place.source.query<Array<{ wrapped: Buffer; generation: number }>>(buckets);
    const keys = new KeyStore(place.source, place.roots);
    await keys.epochs.turn();
    const after = await place.source.query<typeof before>(buckets);
    expect(after).toHaveLength(before.length);
    expect(after.filter(({ generation }, at) => Number(generation) === Number(before[at]?.generation))).toEqual([]);
    expect((await keys.subjectKeys(client, people)).size).toBe(3);
    keys.close();
    await place.close();
  });
});
