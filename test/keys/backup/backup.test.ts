import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headerOf, openBackup } from '../../../src/keys/backup/read';
import { tablesOf } from '../../../src/keys/backup/rows';
import { backUpKeys } from '../../../src/keys/backup/write';
import type { KeysPlace } from '../../../src/keys/key-stores';
import { generateMasterKeyFile } from '../../../src/keys/master-key';
import { openRootKeys } from '../../../src/keys/roots/root-keys';
import { dialectOf } from '../../../src/storage/dialect';
import { type Installation, openInstallation } from '../../erasure/installation';
import { newClient, plantPeople } from '../../erasure/people';
import { databases, type TestDatabase } from '../../support/databases';

const folder = mkdtempSync(join(tmpdir(), 'remit-keys-backup-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(databases)('a backup of the keys on $name', ({ name, create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let place: KeysPlace;
  const to = join(folder, name);

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    const client = await newClient(installation.services, 'acme');
    await plantPeople(installation.stores, client, [1, 2, 3]);
    await installation.services.erasure.signingKeys.current();
    // More than one page, and more than one chunk.
    const many = Array.from({ length: 4_500 }, (_, n) => `${String(n).padStart(8, '0')}-0000-7000-8000-000000000000`);
    await installation.stores.keys.createSubjectKeys(client, many);
    // The ledger's head is kept once a second: none is left to be written while the test compares.
    await installation.whileClosed(async () => undefined);
    place = installation.stores.keyStores.home;
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  const everything = async () => {
    const rows: Record<string, unknown[]> = {};
    const columns = await place.source.query<Array<{ owner: string; name: string }>>(dialectOf(place.source).columns);
    for (const table of new Set(columns.map(({ owner }) => owner)))
      rows[table] = await place.source.query(`SELECT * FROM \`${table}\``);
    return rows;
  };

  test('has every table, row and byte, and nothing in plain text', async () => {
    const written = await backUpKeys(place, to);
    const { header, tables } = await openBackup(written.path, place.roots);
    const read: Record<string, unknown[]> = {};
    for await (const { table, columns, rows } of tables()) {
      const objects = rows.map((row) => Object.fromEntries(row.map((value, at) => [columns[at], value])));
      read[table] = [...(read[table] ?? []), ...objects];
    }
    const { migrations, migration_lock: lock, typeorm_metadata: metadata, ...live } = await everything();
    // A store that was brought up by migrations has its columns in another order.
    const key = (row: unknown) =>
      JSON.stringify(Object.entries(row as object).sort(([one], [other]) => (one < other ? -1 : 1)));
    for (const [table, rows] of Object.entries(live)) {
      expect(header.rows[table]).toBe(rows.length);
      expect((read[table] ?? []).map(key).sort()).toEqual(rows.map(key).sort());
    }
    expect(Object.keys(header.rows).sort()).toEqual(Object.keys(live).sort());
    expect(tablesOf(place.source)).toHaveLength(Object.keys(live).length);
    expect(header.migrations).toEqual((migrations as Array<{ name: string }>).map((one) => one.name).sort());
    expect(statSync(written.path).mode & 0o777).toBe(0o600);
    expect(written.bytes).toBe(statSync(written.path).size);
    const text = readFileSync(written.path, 'latin1');
    for (const secret of ['subject_id', 'sealed_private', 'BEGIN', '00000017-0000']) expect(text).not.toContain(secret);
  });

  test('writes that come while it is written are not in it', async () => {
    const before = (await everything()).subject_key?.length;
    let wrote: Promise<unknown> | undefined;
    const [client] = await place.source.query<Array<{ client_id: string }>>(
      'SELECT client_id FROM subject_key LIMIT 1',
    );
    const written = await backUpKeys(place, to, {
      onProgress: () => {
        wrote ??= installation.stores.keys.createSubjectKeys(client?.client_id ?? '', ['ffffffff-late']);
      },
    });
    await wrote;
    expect(written.rows.subject_key).toBe(before);
    expect((await everything()).subject_key).toHaveLength((before ?? 0) + 1);
  });

  test.each<[string, (file: string) => void, string]>([
    ['is cut off', (file) => truncateSync(file, statSync(file).size - 1), 'cut off, altered or moved'],
    ['has another byte', (file) => flip(file, statSync(file).size - 40), 'cut off, altered or moved'],
    ['says another time', (file) => replace(file, /"at":"20/, '"at":"19'), "backup's header or beginning was altered"],
    ['says another count', (file) => replace(file, /"subject_key":4/, '"subject_key":3'), 'beginning was altered'],
    ['says another epoch', (file) => replace(file, /"epoch":\d/, '"epoch":7'), 'header was altered'],
    ['is of a later format', (file) => replace(file, /backup\/1/, 'backup/2'), 'of format 2'],
    ['is something else', (file) => writeFileSync(file, 'SQLite format 3'), 'it is no backup of keys'],
    ['is empty', (file) => writeFileSync(file, ''), 'it is no backup of keys'],
    ['is cut off in the header', (file) => truncateSync(file, 200), 'header is damaged or cut off'],
  ])('a file that %s is refused', async (_, change, says) => {
    const { path } = await backUpKeys(place, to);
    const copy = `${path}.copy`;
    copyFileSync(path, copy);
    change(copy);
    const verified = openBackup(copy, place.roots).then((backup) => backup.verify());
    await expect(verified).rejects.toMatchObject({ name: 'KeyBackupError', message: expect.stringContaining(says) });
    rmSync(copy);
  });

  test('with another root it opens for nobody, and the header still says of when it is', async () => {
    const { path } = await backUpKeys(place, to);
    const other = join(folder, `${name}-other.key`);
    await generateMasterKeyFile(other);
    const roots = await openRootKeys({ masterKeyFile: other, production: false });
    await expect(openBackup(path, roots)).rejects.toThrow('the root of that epoch is not here');
    expect((await headerOf(path)).header).toMatchObject({ epoch: 1, store: 'keys' });
  });

  test('one that fails leaves nothing behind', async () => {
    const before = readdirSync(to);
    const broken = { ...place, roots: { ...place.roots, unwrap: () => Promise.reject(new Error('the HSM is away')) } };
    await expect(backUpKeys(broken, to)).rejects.toThrow('the HSM is away');
    await expect(
      backUpKeys(place, to, {
        onProgress: () => {
          throw new Error('the database is away');
        },
      }),
    ).rejects.toThrow('the database is away');
    expect(readdirSync(to)).toEqual(before);
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function replace(file: string, what: RegExp, by: string): void {
  const bytes = readFileSync(file, 'latin1');
  expect(bytes).toMatch(what);
  writeFileSync(file, bytes.replace(what, by), 'latin1');
}
