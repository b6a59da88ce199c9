import { join } from 'node:path';
import { jobWorker } from '../../src/background';
import { verifyCertificate } from '../../src/erasure/records/certificate';
import { restoreKeys } from '../../src/keys/backup/restore';
import { tablesOf } from '../../src/keys/backup/rows';
import { backUpKeys } from '../../src/keys/backup/write';
import { ENGINE_PROFILES } from '../../src/storage/engine-profiles';
import { databases, type TestDatabase } from '../support/databases';
import { type Installation, openInstallation } from './installation';
import { newClient, plantPeople } from './people';

const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;

describe.each(databases)('a keys’ store that was restored from between filing and end, on $name', ({ create }) => {
  let database: TestDatabase;
  let installation: Installation;
  let client: string;
  let tests = 0;

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database, 'daily');
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });
  beforeEach(async () => {
    client = await newClient(installation.services, `client-${++tests}`);
  });

  const erasure = () => installation.services.erasure;
  const drain = async (tolerant = false) => {
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => failures.push(error);
    await jobWorker(installation.stores, installation.services, { onFailure }).drain();
    if (!tolerant) expect(failures).toEqual([]);
    return failures;
  };
  const turn = async () => {
    await erasure().turning.turn();
    await drain();
  };
  const plant = async () => (await plantPeople(installation.stores, client, [1]))[0]?.id ?? '';
  const request = async (person: string, more = {}) =>
    (await erasure().erasures.request(client, person, { ...filing, ...more })).id;
  const statusOf = async (id: string) => (await erasure().erasures.find(client, id))?.status;
  const recordOf = (id: string) => erasure().records.require(client, id);
  const epoch = async () => (await installation.stores.keys.epochs.list()).at(-1)?.number ?? 0;
  const keyOf = async (person: string) => (await installation.stores.keys.subjectKeys(client, [person])).has(person);
  const backUp = () => backUpKeys(installation.stores.keyStores.home, join(installation.folder, 'backups'));

  /** Puts a backup in the place of what has come since, and makes it fit the data. */
  async function restore(path: string) {
    const { source } = installation.stores.keyStores.home;
    for (const { tableName } of tablesOf(source)) await source.query(`DELETE FROM ${tableName}`);
    const { at, store } = await restoreKeys(installation.stores.keyStores.home, ENGINE_PROFILES.galera, path);
    // No process holds what it has read before.
    await installation.whileClosed(async () => undefined);
    const failures: unknown[] = [];
    const outcome = await erasure().keysAfterRestore.run(store, Date.parse(at), (error) => failures.push(error));
    expect(failures).toEqual([]);
    return outcome;
  }

  async function certified(id: string) {
    const certificate = await erasure().erasures.certificate(client, id);
    return verifyCertificate(certificate ?? '', await erasure().signingKeys.publicKeys());
  }

  test('an erasure that awaits its epoch goes on to await it, and is certified by its end', async () => {
    const person = await plant();
    const id = await request(person);
    const { path } = await backUp();
    await drain();
    const number = await epoch();
    expect(await statusOf(id)).toBe('AWAITING_EPOCH');
    expect(await restore(path)).toMatchObject({ reopened: 0, uncertified: 0, destroyedAgain: 1 });
    await drain();
    expect([await statusOf(id), await keyOf(person)]).toEqual(['AWAITING_EPOCH', false]);
    const record = await recordOf(id);
    expect([record.certificate, record.keysDeleted?.epoch, record.passes.length]).toEqual([null, number, 1]);
    await turn();
    expect(await statusOf(id)).toBe('COMPLETED');
    expect(await certified(id)).toMatchObject({ keyDestroyed: true, epoch: { number } });
  });

  test('one that stuck meanwhile, and one whose epoch was another then, are not certified early', async () => {
    const person = await plant();
    const id = await request(person);
    const { path } = await backUp();
    await drain();
    const data = await installation.stores.regions.of(client);
    await data.query("UPDATE erasure_request SET status = 'ATTENTION_REQUIRED', key_epoch = ? WHERE id = ?", [1, id]);
    await restore(path);
    await drain();
    const number = await epoch();
    expect([await statusOf(id), (await recordOf(id)).keysDeleted?.epoch]).toEqual(['AWAITING_EPOCH', number]);
    await turn();
    expect(await certified(id)).toMatchObject({ keyDestroyed: true, epoch: { number } });
  });

  test('one under way is planned anew', async () => {
    const person = await plant();
    const id = await request(person);
    const { path } = await backUp();
    const { keys } = installation.stores;
    // It dies when all rows are gone and the key is not.
    const dying = jest.spyOn(keys, 'destroySubjectKey').mockRejectedValueOnce(new Error('killed'));
    expect(await drain(true)).not.toEqual([]);
    dying.mockRestore();
    expect(await statusOf(id)).toBe('IN_PROGRESS');
    await restore(path);
    expect(await drain()).toEqual([]);
    expect([await statusOf(id), await keyOf(person)]).toEqual(['AWAITING_EPOCH', false]);
    expect((await recordOf(id)).passes.map(({ pass }) => pass)).toEqual([1, 2]);
    await turn();
    expect(await certified(id)).toMatchObject({ keyDestroyed: true, epoch: { number: (await epoch()) - 1 } });
  });

  test('of some categories: one that was complete is certified again, at once', async () => {
    const person = await plant();
    const id = await request(person, { categories: ['HEALTH'] });
    const { path } = await backUp();
    await drain();
    expect(await statusOf(id)).toBe('COMPLETED');
    expect(await restore(path)).toMatchObject({ reopened: 0, uncertified: 1, destroyedAgain: 0 });
    await drain();
    expect([await statusOf(id), await keyOf(person)]).toEqual(['COMPLETED', true]);
    expect(await certified(id)).toMatchObject({ keyDestroyed: false, scope: ['HEALTH'] });
  });

  test('one that was withdrawn since stays so', async () => {
    const person = await plant();
    const id = await request(person, { notBefore: Date.now() + 60_000 });
    const { path } = await backUp();
    const data = await installation.stores.regions.of(client);
    await data.query("UPDATE erasure_request SET status = 'CANCELLED' WHERE id = ?", [id]);
    await restore(path);
    await drain();
    expect([await statusOf(id), await keyOf(person)]).toEqual(['CANCELLED', true]);
    expect((await recordOf(id)).cancelledAt).not.toBeNull();
  });

  test('the key of a client that ended is destroyed again', async () => {
    await plant();
    const { id } = await erasure().terminations.terminate({ clientId: client, effectiveOn: new Date() }, filing);
    const { path } = await backUp();
    await drain();
    expect(await statusOf(id)).toBe('AWAITING_EPOCH');
    const derived = () => installation.stores.keys.derivedKey(client, 'cursor');
    await expect(derived()).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
    await restore(path);
    expect(await derived()).toHaveLength(32);
    await drain();
    await expect(derived()).rejects.toMatchObject({ code: 'CLIENT_KEY_DESTROYED' });
    expect(await statusOf(id)).toBe('AWAITING_EPOCH');
    await turn();
    expect(await certified(id)).toMatchObject({ kind: 'CLIENT', epoch: { number: (await epoch()) - 1 } });
  });
});
