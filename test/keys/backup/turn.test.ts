import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listBackups, pruneBackups } from '../../../src/keys/backup/directory';
import { backupHook } from '../../../src/keys/backup/hook';
import { openBackup } from '../../../src/keys/backup/read';
import { backUpKeys } from '../../../src/keys/backup/write';
import type { KeysPlace } from '../../../src/keys/key-stores';
import { DAY_MS } from '../../../src/law/calendar';
import { faultsOf } from '../../../src/readiness';
import { openStores } from '../../../src/stores';
import { type Installation, openInstallation } from '../../erasure/installation';
import { newClient, plantPeople } from '../../erasure/people';
import { databases, type TestDatabase } from '../../support/databases';

const folder = mkdtempSync(join(tmpdir(), 'remit-keys-turn-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(databases)('backups and the turning of epochs on $name', ({ name, create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let place: KeysPlace;
  let client: string;
  let person: string;

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database, 'daily');
    place = installation.stores.keyStores.home;
    client = await newClient(installation.services, 'acme');
    person = (await plantPeople(installation.stores, client, [1]))[0]?.id ?? '';
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  const epochs = () => place.keys.epochs.list();
  const worths = async (of: string) =>
    (await listBackups(of, [{ name: 'keys', epochs: await epochs(), roots: await place.roots.ids() }])).map(
      ({ epoch, worth }) => `${epoch} ${worth}`,
    );

  test('a turn leaves a backup under the new epoch, which is named; the older ones are waste and go', async () => {
    const to = join(installation.folder, 'backups');
    const first = await backUpKeys(place, to);
    await installation.services.erasure.turning.turn();
    const [ended, current] = await epochs();
    expect(ended).toMatchObject({ number: 1, state: 'ENDED', backup: null });
    expect(current).toMatchObject({ number: 2, state: 'CURRENT', backup: expect.stringContaining('/keys-000002-') });
    expect(await worths(to)).toEqual(['1 ENDED', '2 GOOD']);
    await expect(openBackup(first.path, place.roots)).rejects.toThrow('it is of epoch 1, and the root of that epoch');
    await (await openBackup(current?.backup ?? '', place.roots)).verify();
    await installation.services.erasure.turning.turn();
    expect(await worths(to)).toEqual(['2 ENDED', '3 GOOD']);
    expect(existsSync(first.path)).toBe(false);
  });

  test('where the backup fails, nothing is destroyed, and it is said why; then the turn goes on', async () => {
    const file = join(folder, `${name}-no-folder`);
    writeFileSync(file, 'this is no folder');
    const before = await place.roots.ids();
    const hook = backupHook(place, file);
    await expect(place.keys.epochs.turn({ backup: hook })).rejects.toMatchObject({
      name: 'KeyBackupError',
      message: expect.stringMatching(
        /^no backup of the keys could be written to .* \((EEXIST|ENOTDIR)\); the epoch was not/,
      ),
    });
    expect(await place.roots.ids()).toEqual(expect.arrayContaining([...before]));
    expect((await epochs()).at(-2)).toMatchObject({ state: 'TURNING' });
    expect((await place.keys.subjectKeys(client, [person])).size).toBe(1);
    rmSync(file);
    await place.keys.epochs.resume({ backup: hook });
    expect((await epochs()).at(-2)).toMatchObject({ state: 'ENDED' });
    expect((await epochs()).at(-1)?.backup).toContain(file);
  });

  test('none is made by hand while not everything hangs under the new epoch: it would lose keys', async () => {
    const killed = new Error('killed');
    const killing = ({ step }: { step: string }) => {
      if (step === 'begun') throw killed;
    };
    await expect(place.keys.epochs.turn({ progress: killing })).rejects.toBe(killed);
    const to = join(folder, `${name}-by-hand`);
    await expect(backUpKeys(place, to)).rejects.toThrow(/^epoch \d is ending, and not everything hangs under the next/);
    expect(existsSync(to)).toBe(false);
    await place.keys.epochs.resume();
    expect((await backUpKeys(place, to)).epoch).toBe((await epochs()).at(-1)?.number);
  });

  test('a host that has a copy of the root is not ready once another has turned the epoch', async () => {
    const { DATABASE_URL = '', KEYS_DATABASE_URL = '', REMIT_MASTER_KEY_FILE = '' } = installation.env;
    const masterKeyFile = join(folder, `${name}-copied.key`);
    copyFileSync(REMIT_MASTER_KEY_FILE, masterKeyFile);
    const urls = { databaseUrl: DATABASE_URL, keysDatabaseUrl: KEYS_DATABASE_URL, regionalDatabaseUrls: {} };
    const there = await openStores({ ...urls, masterKeyFile, production: false });
    const { ledger } = installation.services;
    expect(await faultsOf(there, ledger)).toEqual([]);
    const { number } = (await epochs()).at(-1) ?? {};
    await place.keys.epochs.turn();
    expect(await faultsOf(there, ledger)).toEqual([
      expect.stringMatching(
        new RegExp(`^the keys' store cannot be opened: .* is the root of epoch ${number}, which has ended: a copy`),
      ),
    ]);
    expect(await faultsOf(installation.stores, ledger)).toEqual([]);
    await there.close();
  });

  test('pruning leaves what is not of an ended epoch', async () => {
    const to = join(folder, `${name}-prune`);
    await backUpKeys(place, to);
    await backUpKeys({ ...place, name: 'keys EU' }, to);
    writeFileSync(join(to, 'notes.txt'), 'mine');
    writeFileSync(join(to, 'broken.remit-keys'), 'x');
    const drafts = ['0123456789ab', 'ba9876543210'].map((id) => join(to, `keys-000001-x.remit-keys.${id}.part`));
    for (const draft of drafts) writeFileSync(draft, 'x');
    const longAgo = (Date.now() - 2 * DAY_MS) / 1_000;
    utimesSync(drafts[0] ?? '', longAgo, longAgo);
    await place.keys.epochs.turn();
    const stores = [{ name: 'keys', epochs: await epochs(), roots: await place.roots.ids() }];
    expect((await listBackups(to, stores)).map(({ worth }) => worth).sort()).toEqual(['DAMAGED', 'ENDED', 'FOREIGN']);
    expect(await pruneBackups(to, stores)).toHaveLength(1);
    expect(readdirSync(to).sort()).toEqual([
      'broken.remit-keys',
      expect.stringMatching(/^keys-000001-x.*\.part$/),
      expect.stringMatching(/^keys-EU-/),
      'notes.txt',
    ]);
    expect(await listBackups(join(folder, 'nowhere'), stores)).toEqual([]);
  });
});
