import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { isSigned } from '../../../src/audit/log/checkpoint';
import { keptHeads } from '../../../src/audit/log/checkpoint-store';
import { entryOf } from '../../../src/audit/log/entry';
import { chainOf, isSignedBy, type LedgerKey } from '../../../src/audit/log/key-history';
import { verifyRecords } from '../../../src/audit/verification/records';
import { verifyLedger } from '../../../src/audit/verification/verification';
import { signCertificate, verifyCertificate } from '../../../src/erasure/records/certificate';
import type { RotatedUse } from '../../../src/keys/rotation/rotating-key';
import { RotationUnderWayError } from '../../../src/keys/rotation/rotating-keys';
import { DAY_MS } from '../../../src/law/calendar';
import { createServices, type Services } from '../../../src/services';
import { openTestApp, type TestApp } from '../../support/app';
import { databases, type TestDatabase } from '../../support/databases';

const pace = { leadMs: 400, overlapMs: 400 };
const all: readonly RotatedUse[] = ['certificates', 'ledger', 'webhooks'];

describe.each(databases)('rotation of keys on $name', ({ create }) => {
  let database: TestDatabase;
  let apps: [TestApp, TestApp];
  let processes: [Services, Services];

  beforeAll(async () => {
    database = await create();
    const first = await openTestApp(database);
    apps = [first, await first.replica()];
    processes = [createServices(apps[0].stores, { pace }), createServices(apps[1].stores, { pace })];
  });

  afterAll(async () => {
    for (const { ledger } of processes) await ledger.close();
    for (const app of apps.toReversed()) await app.close();
    await database.drop();
  });

  const write = () =>
    Promise.all(processes.map(({ recorder }) => recorder.record('GRANT_GIVEN', { principal: 'test' })));
  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await sleep(20);
  };
  /** Both processes write all the while. @returns the numbers of the keys whose secret is gone */
  const rotated = async (uses: readonly RotatedUse[]) => {
    const [one, other] = processes;
    const begun = await one.rotations.begin(uses);
    const gone: number[] = [];
    await until(async () => {
      await write();
      gone.push(...(await other.rotations.end()).map(({ number }) => number));
      return gone.length >= begun.length;
    });
    await write();
    return gone;
  };
  const verify = async (by?: Buffer) => {
    const [{ ledger }] = processes;
    const { keys, fault } = await chainOf(await ledger.keys.history(), by);
    for (const process of processes) await process.ledger.close();
    const { heads, forged } = await keptHeads(apps[0].stores.keysSource, keys);
    const report = await verifyLedger(apps[0].stores.regions.all(), {
      publicKey: keys,
      witnessed: heads,
      anchored: [],
    });
    return { fault, forged, findings: report.findings };
  };
  const sound = { fault: undefined, forged: [], findings: [] };

  test('the ledger’s key: each new one is signed by the one before, and every checkpoint verifies', async () => {
    await write();
    const [{ ledger }, other] = processes;
    const { publicKey: before } = await ledger.signer();
    expect(await rotated(['ledger'])).toEqual([1]);
    const { publicKey: after } = await ledger.signer();
    expect(after).not.toEqual(before);
    expect((await other.ledger.signer()).publicKey).toEqual(after);

    const rows = await apps[0].stores.regions.home.query<Array<{ body: Buffer; checkpoint: string | null }>>(
      'SELECT body, checkpoint FROM audit_entry ORDER BY entry_id',
    );
    const notes = rows.flatMap(({ checkpoint }) => checkpoint ?? []);
    const signers = await Promise.all(
      notes.map(async (note) =>
        [(await isSigned(note, before)) && 1, (await isSigned(note, after)) && 2].filter(Boolean),
      ),
    );
    expect(signers[0]).toEqual([1]);
    expect(signers).toContainEqual([1, 2]);
    expect(signers.at(-1)).toEqual([2]);

    const [, second] = await ledger.keys.history();
    const said = rows.map(({ body }) => entryOf(body)).find(({ kind }) => kind === 'KEY_PUBLISHED');
    expect(said?.details).toMatchObject({ keys: 'ledger', number: 2, statement: second?.statement });
    expect(await verify()).toEqual(sound);
    for (const known of [before, after]) expect(await verify(known)).toEqual(sound);
    const { findings } = await verify(Buffer.alloc(32, 1));
    expect(findings[0]).toMatchObject({ problem: 'CHECKPOINT' });
  });

  test('a key that nobody vouches for, or that signs out of its time, is found', async () => {
    const [{ ledger }] = processes;
    const { keysSource, regions } = apps[0].stores;
    const [first, second] = (await ledger.keys.history()) as [LedgerKey, LedgerKey];
    const [row] = await regions.home.query<Array<{ checkpoint: string }>>(
      'SELECT checkpoint FROM audit_entry WHERE checkpoint IS NOT NULL ORDER BY entry_id LIMIT 1',
    );
    const note = row?.checkpoint ?? '';
    expect(await isSignedBy(note, [first, second], second.usedFrom)).toBe(true);
    expect(await isSignedBy(note, [first, second], second.usedFrom + DAY_MS)).toBe(false);
    const statement = second.statement?.replace(/^key 2$/m, 'key 3') ?? '';
    await keysSource.query("UPDATE rotating_key SET statement = ? WHERE used_for = 'ledger' AND number = 2", [
      statement,
    ]);
    try {
      const stranger = createServices(apps[0].stores);
      const history = await stranger.ledger.keys.history();
      expect(await chainOf(history)).toMatchObject({ keys: [first], fault: expect.stringContaining('key 2') });
      expect(await chainOf(history, second.publicKey)).toMatchObject({ fault: expect.any(String) });
    } finally {
      await keysSource.query("UPDATE rotating_key SET statement = ? WHERE used_for = 'ledger' AND number = 2", [
        second.statement,
      ]);
    }
  });

  test('certificates: old ones verify by the public half that stays; the private half is gone', async () => {
    const [{ erasure }, other] = processes;
    const statement = { version: 1, request: 'r' } as unknown as Parameters<typeof signCertificate>[1];
    const old = await signCertificate(erasure.signingKeys, statement);
    expect(await rotated(['certificates'])).toEqual([1]);
    const recent = await signCertificate(other.erasure.signingKeys, statement);
    const keys = await other.erasure.signingKeys.publicKeys();
    for (const text of [old, recent]) expect(await verifyCertificate(text, keys)).toEqual(statement);
    await expect(verifyCertificate(recent, keys.slice(0, 1))).rejects.toThrow('another key');
    const [first, second] = keys;
    expect([first?.used.until, second?.used]).toEqual([second?.used.from, { from: expect.any(String), until: null }]);
    const stranger = createServices(apps[0].stores);
    await expect(stranger.erasure.signingKeys.rotating.numbered(1)).rejects.toThrow('was destroyed');
    const rows = await apps[0].stores.keysSource.query(
      `SELECT r.number AS number, r.sealed_secret AS secret, s.subject_id AS sealing FROM rotating_key r
       LEFT JOIN subject_key s ON s.client_id = 'platform' AND s.subject_id = r.sealed_by
       WHERE r.used_for = 'certificates' ORDER BY r.number`,
    );
    expect(rows).toMatchObject([
      { number: 1, secret: null, sealing: null },
      { number: 2, secret: expect.any(Buffer), sealing: expect.any(String) },
    ]);
  });

  test('webhooks: secrets are sealed anew, on the record, and open as before', async () => {
    const [{ webhooks, clients }, other] = processes;
    const { id: client } = await clients.register({ slug: 'acme', name: 'Acme' }, 'test');
    const owner = { kind: 'CLIENT', id: client } as const;
    const url = 'https://acme.example/hook';
    const { id, secret } = await webhooks.register(client, owner, { url }, 'test');
    expect(await rotated(['webhooks'])).toEqual([1]);
    const stored = async () => {
      const [row] = await apps[0].stores.regions.home.query<Array<{ secret: string }>>(
        'SELECT secret FROM webhook_endpoint WHERE id = ?',
        [id],
      );
      return row?.secret;
    };
    expect(await stored()).toMatch(/^2:/);
    for (const { webhooks: each } of processes) {
      expect(await each.endpoint(client, id)).toEqual({ url, secrets: [secret] });
    }
    const { regions, keys } = apps[0].stores;
    const { findings } = await verifyRecords({ regions, keys, references: other.references });
    expect(findings).toEqual([]);
  });

  test('an endpoint’s last secret signs beside the new one for as long as it is told', async () => {
    const [{ webhooks, clients }] = processes;
    const { id: client } = await clients.register({ slug: 'overlap', name: 'Overlap' }, 'test');
    const owner = { kind: 'CLIENT', id: client } as const;
    const url = 'https://overlap.example/hook';
    const old = await webhooks.register(client, owner, { url }, 'test');
    const next = await webhooks.register(client, owner, { url, lastSecretDays: 7 }, 'test');
    expect(next.id).toBe(old.id);
    expect(await webhooks.endpoint(client, next.id)).toEqual({ url, secrets: [next.secret, old.secret] });
    await apps[0].stores.regions.home.query('UPDATE webhook_endpoint SET former_until = ? WHERE id = ?', [
      Date.now() - 1,
      next.id,
    ]);
    expect(await webhooks.endpoint(client, next.id)).toEqual({ url, secrets: [next.secret] });
    const elsewhere = await webhooks.register(client, owner, { url: `${url}/2`, lastSecretDays: 7 }, 'test');
    expect(elsewhere.id).not.toBe(old.id);
    expect(await webhooks.endpoint(client, old.id)).toBeUndefined();
    await expect(webhooks.register(client, owner, { url, lastSecretDays: 31 }, 'test')).rejects.toThrow('from 0 to 30');
    expect(() => new Webhook(old.secret)).not.toThrow();
  });

  test('of two rotations at the same time one is made; the next waits for its end', async () => {
    // Long enough for the second one to begin on a busy machine too, before the first one's key is used.
    const pair = apps.map(({ stores }) => createServices(stores, { pace: { ...pace, leadMs: 2_000 } }));
    const results = await Promise.allSettled(pair.map(({ rotations }) => rotations.begin(['ledger'])));
    for (const { ledger } of pair) await ledger.close();
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect((refused[0] as PromiseRejectedResult).reason).toBeInstanceOf(RotationUnderWayError);
    const patient = createServices(apps[0].stores, { pace: { ...pace, overlapMs: DAY_MS } });
    await expect(patient.rotations.begin(['ledger'])).rejects.toBeInstanceOf(RotationUnderWayError);
    await until(async () => (await processes[1].rotations.end()).length > 0);
    expect((await processes[0].rotations.state()).filter(({ use }) => use === 'ledger')).toHaveLength(3);
    expect(await verify()).toEqual(sound);
  });

  test('by schedule: keys that are old enough are replaced, the others stay', async () => {
    const [{ rotations }] = processes;
    expect(await rotations.beginDue(DAY_MS)).toEqual([]);
    await until(async () => (await rotations.beginDue(1)).length > 0);
    expect(all).toContain((await rotations.state()).at(-1)?.use);
  });
});
