import { keptHeads } from '../../src/audit/log/checkpoint-store';
import { verifyLedger } from '../../src/audit/verification/verification';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

describe.each(databases)('the ledger of several databases on $name', ({ create }) => {
  let stores: TestDatabase[];
  let app: TestApp;

  beforeAll(async () => {
    stores = [await create(), await create()];
    const [home, eu] = stores as [TestDatabase, TestDatabase];
    app = await openTestApp(home, { EU: eu.databaseUrl });
  });

  afterAll(async () => {
    await app.services.ledger.close();
    await app.close();
    for (const store of stores) await store.drop();
  });

  test('T1: a process has a log in each, entries are where their client is, and verifying goes over all', async () => {
    const { clients, recorder, ledger } = app.services;
    const { regions, keysSource } = app.stores;
    const bound = await clients.register({ slug: 'bound', name: 'Bound', hostingRegion: 'EU' }, 'test');
    const free = await clients.register({ slug: 'free', name: 'Free' }, 'test');
    for (const { id: client } of [bound, free]) {
      for (let at = 0; at < 3; at++) await recorder.record('GRANT_GIVEN', { client, principal: 'test' });
    }
    const [home, eu] = regions.all();
    if (!home || !eu) throw new Error('there are two databases');
    const about = async (source: typeof home, client: string) =>
      Number((await source.query('SELECT COUNT(*) AS n FROM audit_entry WHERE about_client = ?', [client]))[0].n);
    // That it was registered is written before it has a region.
    expect([await about(home, bound.id), await about(eu, free.id)]).toEqual([1, 0]);
    expect([await about(eu, bound.id), await about(home, free.id)].every((entries) => entries >= 3)).toBe(true);

    await ledger.close();
    const { publicKey } = await ledger.signer();
    const { heads } = await keptHeads(keysSource, publicKey);
    expect(heads).toHaveLength(2);
    expect((await ledger.heads()).map(({ source }) => source)).toEqual(expect.arrayContaining([home, eu]));
    const verify = () => verifyLedger(regions.all(), { publicKey, witnessed: heads, anchored: [] });
    expect(await verify()).toMatchObject({ sound: true, logs: [{}, {}] });
    await eu.query('DELETE FROM audit_entry WHERE sequence >= 2');
    const { findings } = await verify();
    expect(findings.map(({ problem }) => problem)).toEqual(['MISSING']);
  });
});
