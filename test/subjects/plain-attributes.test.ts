import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { dataStore, keysStore } from '../../ormconfig';
import { KeyStore } from '../../src/keys/key-store';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { openRootKeys } from '../../src/keys/roots/root-keys';
import { seal } from '../../src/keys/sealing';
import { upgradeToEpochs } from '../../src/keys/upgrade';
import { migrate, openDataSource } from '../../src/storage/data-source';
import { inTransaction } from '../../src/storage/transaction';
import { migrateStores, openStores, type StoreConfig } from '../../src/stores';
import { setAttributes } from '../../src/subjects/attributes';
import { CustomAttribute } from '../../src/subjects/related/custom-attribute';
import { TenantReader } from '../../src/tenancy/tenant-reader';
import { TenantWriter } from '../../src/tenancy/tenant-writer';
import { databases, type TestDatabase } from '../support/databases';

/** Before attributes' keys were sealed: what the migrations up to 1700000000008 made. */
const former = dataStore.migrations.filter(({ name }) => Number(/\d+$/.exec(name)) < 1700000000010);

describe.each(databases)('attributes whose keys were plain, on $name', ({ name, create }) => {
  let database: TestDatabase;
  let folder: string;
  let config: StoreConfig;
  const client = uuid();
  const [ada, erasing, gone, clientless] = [uuid(), uuid(), uuid(), uuid()];

  beforeAll(async () => {
    database = await create();
    folder = mkdtempSync(join(tmpdir(), 'remit-key-'));
    const masterKeyFile = join(folder, 'master.key');
    await generateMasterKeyFile(masterKeyFile);
    config = { ...database, regionalDatabaseUrls: {}, masterKeyFile, production: false };
    const keysSource = await openDataSource(database.keysDatabaseUrl, keysStore);
    const data = await openDataSource(database.databaseUrl, { ...dataStore, migrations: former });
    await migrate(keysSource);
    const openRoots = () => openRootKeys({ masterKeyFile, production: false });
    await upgradeToEpochs(keysSource, openRoots);
    await migrate(data);
    const keys = new KeyStore(keysSource, await openRoots());
    await keys.createClientKey(client);
    const subjectKeys = await keys.createSubjectKeys(client, [ada, erasing]);
    const plant = async (person: string, key: string, value: string | null, owner = client) => {
      const subjectKey = subjectKeys.get(person) ?? Buffer.alloc(32, 1);
      const context = `customer_attribute|BEHAVIOUR|${owner}|${person}|${key}`;
      await data.query(
        'INSERT INTO customer_attribute (client_id, customer_id, `key`, sealed_behaviour) VALUES (?, ?, ?, ?)',
        [owner, person, key, value === null ? null : seal(subjectKey, { value }, context)],
      );
    };
    await data.query("INSERT INTO customer (client_id, id, restriction) VALUES (?, ?, 'ERASURE')", [client, erasing]);
    await data.query('INSERT INTO customer (client_id, id) VALUES (?, ?)', [client, ada]);
    // More than one transaction takes.
    for (let n = 0; n < 600; n++) await plant(ada, `canary_key_${n}`, `v${n}`);
    await plant(ada, 'canary_empty', null);
    await plant(erasing, 'canary_key_0', 'still there');
    await plant(gone, 'canary_gone', 'x');
    await plant(clientless, 'canary_clientless', 'x', uuid());
    await data.query("UPDATE customer_attribute SET sealed_behaviour = ? WHERE `key` = 'canary_key_1'", [
      Buffer.from('altered'),
    ]);
    await data.destroy();
    await keysSource.destroy();
    keys.close();
  }, 240_000);
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('attack S4: are sealed by "remit migrate", once, and nothing of a person who is there is lost', async () => {
    if (name === 'MariaDB') {
      // A server never reads past rows that wait.
      await expect(openStores(config)).rejects.toThrow('run: remit migrate');
    }
    expect(await migrateStores(config)).toContain('sealed keys of 604 attributes');
    expect(await migrateStores(config)).toEqual([]);
    const stores = await openStores(config);
    const { home } = stores.regions;
    const read = async () => {
      const rows = await new TenantReader(home, stores.keys).select(CustomAttribute, {
        client,
        fields: ['key', 'value'],
      });
      return rows.map(({ customerId, key, value }) => [customerId, key, value]);
    };
    const rows = await read();
    expect(rows).toHaveLength(602);
    expect(rows).toEqual(
      expect.arrayContaining([
        [ada, 'canary_key_0', 'v0'],
        [ada, 'canary_key_599', 'v599'],
        [ada, 'canary_key_1', null],
        [ada, 'canary_empty', null],
        [erasing, 'canary_key_0', 'still there'],
      ]),
    );
    const stored = await home.query<Array<Record<string, unknown>>>('SELECT * FROM customer_attribute');
    expect(stored).toHaveLength(602);
    const bytes = stored.flatMap((row) => Object.values(row)).map((value) => Buffer.from(value as string));
    expect(Buffer.concat(bytes).includes('canary')).toBe(false);
    // The same key of two people has two indexes.
    expect(new Set(stored.map(({ key_index }) => key_index)).size).toBe(602);
    await expect(home.query('SELECT 1 FROM customer_attribute_plain')).rejects.toThrow();
    if (name === 'SQLite') {
      const path = database.databaseUrl.slice('sqlite:'.length);
      for (const file of [path, `${path}-wal`]) expect(readFileSync(file).includes('canary_')).toBe(false);
    }

    // Each is found by its key's index: it is changed and removed, and none is added beside it.
    await inTransaction(home, async (manager) => {
      const owner = {
        manager,
        writer: new TenantWriter(manager, stores.keys),
        keys: stores.keys,
        client,
        customerId: ada,
      };
      await setAttributes(owner, [
        { key: 'canary_key_2', value: 'changed' },
        { key: 'canary_key_3', value: null },
        { key: 'canary_new', value: 'new' },
        { key: 'canary_never', value: null },
      ]);
    });
    const after = await read();
    expect(after).toHaveLength(602);
    expect(after).toEqual(
      expect.arrayContaining([
        [ada, 'canary_key_2', 'changed'],
        [ada, 'canary_new', 'new'],
      ]),
    );
    expect(after.some(([, key]) => key === 'canary_key_3')).toBe(false);
    await stores.close();
  }, 240_000);
});

test('attack S4: a database without attributes has nothing set aside', async () => {
  for (const { create } of databases) {
    const database = await create();
    const data = await openDataSource(database.databaseUrl, { ...dataStore, migrations: former });
    await migrate(data);
    await data.destroy();
    const source = await openDataSource(database.databaseUrl, dataStore);
    await migrate(source);
    await expect(source.query('SELECT 1 FROM customer_attribute_plain')).rejects.toThrow();
    await source.destroy();
    await database.drop();
  }
}, 120_000);
