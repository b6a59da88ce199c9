import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobWorker } from '../../src/background';
import { importFile, rejectsPathOf } from '../../src/subjects/import/import-file';
import { readMapping } from '../../src/subjects/import/mapping';
import { isReindexPending, reindexIdentifiers } from '../../src/subjects/reindex';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme' };
const columns = { externalId: 'id', firstName: 'name', email: 'mail', phone: 'phone', socialHandle: 'tw' };

describe.each(databases)('identifiers on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let folder: string;
  let files = 0;

  beforeEach(async () => {
    database = await create();
    app = await openTestApp(database);
    client = await app.services.clients.register({ slug: 'acme', name: 'acme' }, 'test').then(({ id }) => id);
    folder = mkdtempSync(join(tmpdir(), 'remit-identifiers-'));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await app.close();
    await database.drop();
  });

  /** Imports rows under a header; the rejects as `line: field`. */
  async function take(header: string, ...rows: string[]) {
    const file = join(folder, `${++files}.csv`);
    writeFileSync(file, `${[header, ...rows].join('\n')}\n`);
    const present = header.split(',');
    const mapping = Object.fromEntries(Object.entries(columns).filter(([, column]) => present.includes(column)));
    const more = present.includes('country') ? { residency: 'country' } : {};
    const source = await app.stores.regions.of(client);
    const { erased } = app.services.erasure;
    const report = await importFile(
      { client, source, keys: app.stores.keys, erased },
      { file, mapping: readMapping(JSON.stringify({ ...mapping, ...more }), 'customers', 'map') },
    );
    const rejects = report.rejected > 0 ? readFileSync(rejectsPathOf(file), 'utf8').trim().split('\n') : [];
    return {
      ...report,
      rejects: rejects.map((line) => JSON.parse(line) as { line: number; field: string; reason: string }),
    };
  }

  const found = async (by: Record<string, string>, asker = agent) => {
    const document = 'query ($by: CustomerLookup!) { customersByIdentifier(by: $by) { externalId } }';
    const result = await app.ask(asker, 'SUPPORT', document, { by });
    expect(result.errors).toBeUndefined();
    const { customersByIdentifier } = result.data as { customersByIdentifier: Array<{ externalId: string }> };
    return customersByIdentifier.map(({ externalId }) => externalId).sort();
  };
  const lookup = (by: Record<string, string>, asker = agent) =>
    app.ask(asker, 'SUPPORT', 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id externalId } }', { by });
  const idOf = async (externalId: string) => {
    const result = await lookup({ externalId }, officer);
    return (result.data as { customerLookup: { id: string } }).customerLookup.id;
  };
  const change = (input: Record<string, unknown>, asker = officer) => {
    const document =
      'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { externalId } } }';
    return app.ask(asker, 'SUPPORT', document, { input });
  };
  async function erase(...externalIds: string[]) {
    for (const externalId of externalIds) {
      const filing = { principal: 'officer', role: 'CLIENT_PRIVACY_OFFICER', grounds: 'CONSENT_WITHDRAWN' } as const;
      await app.services.erasure.erasures.request(client, await idOf(externalId), filing);
    }
    await jobWorker(app.stores, app.services, {
      onFailure: (error) => {
        throw error;
      },
    }).drain();
  }

  it('case phone-spellings: whoever was erased is known again in every spelling', async () => {
    const first = await take(
      'id,name,mail,phone,tw',
      '1,Ada,,+44 20 7946 0001,',
      '2,Bob,bob@münchen.example,,',
      '3,Cyd,,,@cyd',
      '4,Dee,dee@example.org,,',
      '5,Eve,,020 7946 0005,',
    );
    expect(first).toMatchObject({ created: 5, rejected: 0 });
    await erase('1', '2', '3', '4', '5');
    const later = await take(
      'id,name,mail,phone,tw',
      '11,Ada,,+44 (0)20 7946 0001,',
      '12,Bob,bob@xn--mnchen-3ya.example,,',
      '13,Cyd,,,https://twitter.com/cyd',
      '14,Dee,DEE@example.org,,',
      '15,Eve,,+44 20 7946 0005,',
    );
    expect(later.rejects.map(({ field }) => field)).toEqual(['phone', 'email', 'socialHandle', 'email', 'phone']);
    expect(later).toMatchObject({ created: 0, rejected: 5 });
    expect(later.rejects[0]?.reason).toContain('ERASED');
    const national = await take('id,name,phone,country', '21,Ada,020 7946 0001,GB', '22,Nobody,020 7946 0001,DE');
    expect(national).toMatchObject({ created: 1, rejected: 1 });
  });

  it('case merged-contact: what belonged to an erased person does not come back on somebody else', async () => {
    await take('id,name,mail,phone', '1,Ada,family@example.org,+44 20 7946 0001', '2,Bob,family@example.org,');
    await erase('1');
    const merged = await take('id,name,mail,phone', '2,Ada,family@example.org,+44 20 7946 0001');
    expect(merged).toMatchObject({ updated: 0, rejected: 1, rejects: [{ field: 'phone' }] });
    const own = await take('id,name,mail,phone', '2,Rob,Family@Example.org,');
    expect(own).toMatchObject({ updated: 1, rejected: 0 });

    const customerId = await idOf('2');
    const phone = '0044 (0)20 7946 0001';
    expect(await change({ customerId, phone })).toMatchObject({
      data: { updateCustomer: null },
      errors: [{ extensions: { code: 'ERASED', identifiers: ['phone'] } }],
    });
    expect(await change({ customerId, phone: '020 7946 0001', residency: 'GB' })).toMatchObject({
      errors: [{ extensions: { code: 'ERASED' } }],
    });
    expect((await change({ customerId, email: 'family@example.org', firstName: 'Bob' })).errors).toBeUndefined();
    expect(await change({ customerId, phone, allowErased: true }, agent)).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
    expect((await change({ customerId, phone, allowErased: true })).errors).toBeUndefined();
    expect(await found({ phone: '+442079460001' })).toEqual(['2']);
  });

  it('case changed-during-grace: who is being erased does not come in again under another id, nor on somebody else', async () => {
    await take('id,name,mail,phone', '1,Ada,ada@example.org,+44 20 7946 0001', '2,Bob,bob@example.org,');
    const filing = { principal: 'officer', role: 'CLIENT_PRIVACY_OFFICER', grounds: 'CONSENT_WITHDRAWN' } as const;
    const { erasures } = app.services.erasure;
    const request = await erasures.request(client, await idOf('1'), { ...filing, notBefore: Date.now() + 3_600_000 });

    const again = await take('id,name,mail,phone', '7,Ada,Ada@example.org,', '8,Cyd,cyd@example.org,');
    expect(again).toMatchObject({ created: 1, rejected: 1, rejects: [{ field: 'email' }] });
    expect(await change({ customerId: await idOf('2'), phone: '0044 (0)20 7946 0001' })).toMatchObject({
      errors: [{ extensions: { code: 'ERASED', identifiers: ['phone'] } }],
    });
    expect((await change({ customerId: await idOf('2'), firstName: 'Rob' })).errors).toBeUndefined();

    await erasures.cancel(client, request.id, 'officer');
    expect(await take('id,name,mail,phone', '7,Ada,Ada@example.org,')).toMatchObject({ created: 1, rejected: 0 });
  });

  it('case shared-identifiers: a look-up gives all who share, and nobody by a placeholder', async () => {
    await take(
      'id,name,mail,phone',
      '1,Ada,family@example.org,+44 20 7946 0001',
      '2,Bob,family@example.org,n/a 0',
      '3,Cyd,noemail@example.org,0',
      '4,Dee,noemail@example.org,0',
    );
    expect(await found({ email: 'Family <FAMILY@example.org>' })).toEqual(['1', '2']);
    expect(await lookup({ email: 'family@example.org' })).toMatchObject({
      data: { customerLookup: null },
      errors: [{ extensions: { code: 'SEVERAL_MATCH' } }],
    });
    for (const by of [{ email: 'noemail@example.org' }, { phone: '0' }, { phone: 'n/a 0' }]) {
      expect(await found(by)).toEqual([]);
      expect(await lookup(by)).toMatchObject({ data: { customerLookup: null } });
    }
    await erase('1', '3');
    const later = await take(
      'id,name,mail,phone',
      '5,Eve,family@example.org,+44 20 7946 0005',
      '6,Fay,noemail@example.org,+44 20 7946 0006',
      '7,Gus,gus@example.org,0',
    );
    expect(later).toMatchObject({ created: 2, rejected: 1, rejects: [{ line: 2, field: 'email' }] });
    expect(await lookup({ email: 'family@example.org' })).toMatchObject({
      data: { customerLookup: { externalId: '2' } },
    });
  });

  it('case phones-e-notation: a number that a spreadsheet rounded away is nobody’s', async () => {
    const taken = await take('id,name,phone', '1,Ada,4.47912E+11', '2,Bob,4.47912E+11', '3,Cyd,4.47913E+11');
    expect(taken).toMatchObject({ created: 3, rejected: 0 });
    for (const phone of ['4.47912E+11', '447912000000', '+447912000000']) expect(await found({ phone })).toEqual([]);
    await erase('1');
    expect(await take('id,name,phone', '4,Dee,4.47912E+11')).toMatchObject({ created: 1, rejected: 0 });
  });

  it('tells nothing of those who may not be read: of two who share, the other is the one', async () => {
    await take('id,name,mail', '1,Ada,family@example.org', '2,Bob,family@example.org');
    await app.services.customers.setRestriction(client, await idOf('1'), 'OBJECTION', 'officer');
    expect(await found({ email: 'family@example.org' })).toEqual(['2']);
    const alone = await lookup({ email: 'family@example.org' });
    expect(alone).toMatchObject({ data: { customerLookup: { externalId: '2' } } });
    expect(alone.errors).toBeUndefined();
  });

  it('finds by every spelling, with the country and without; another residency means another number', async () => {
    await take('id,name,phone,country', '1,Ada,020 7946 0001,GB', '2,Bob,020 7946 0001,', '3,Cyd,+44 20 7946 0001,FR');
    for (const phone of ['+44 (0)20 7946 0001', '0044 20 7946 0001', '020 7946 0001', '442079460001']) {
      expect([phone, await found({ phone })]).toEqual([phone, ['1', '2', '3']]);
    }
    expect((await change({ customerId: await idOf('1'), residency: 'DE' })).errors).toBeUndefined();
    expect(await found({ phone: '+44 20 7946 0001' })).toEqual(['2', '3']);
    expect(await found({ phone: '+49 20 7946 0001' })).toEqual(['1', '2']);
    const address = { country: 'GB' };
    expect((await change({ customerId: await idOf('2'), postalAddress: address })).errors).toBeUndefined();
    expect(await found({ phone: '+49 20 7946 0001' })).toEqual(['1']);
    expect((await change({ customerId: await idOf('2'), email: 'bob@example.org' })).errors).toBeUndefined();
    expect(await found({ phone: '+44 20 7946 0001' })).toEqual(['2', '3']);
  });

  it('makes the indexes of former forms anew, and goes on where it was stopped', async () => {
    const rows = Array.from(
      { length: 1_100 },
      (_, n) => `${n},P${n},p${n}@example.org,020 7946 ${String(n + 1000)},GB`,
    );
    await take('id,name,mail,phone,country', ...rows, 'x,X,noemail@example.org,+44 20 7946 9999,');
    const source = await app.stores.regions.of(client);
    const key = await app.stores.keys.derivedKey(client, 'blind-index');
    const former = (text: string) => createHmac('sha256', key).update(text).digest('base64url');
    await source.query('UPDATE customer SET phone_index = ?', [former('phone\x0002079460000')]);
    await source.query('UPDATE customer SET email_index = ? WHERE email_index IS NULL', [
      former('email\x00noemail@example.org'),
    ]);
    await source.query("INSERT INTO identifier_reindex (client_id, after_id) VALUES (?, '')", [client]);
    expect(await found({ phone: '+44 20 7946 1500' })).toEqual([]);
    expect(await isReindexPending(source)).toBe(true);

    await app.stores.keys.destroySubjectKey(client, await idOf('7'));
    expect(await reindexIdentifiers(source, app.stores.keys)).toBe(1_100);
    expect(await isReindexPending(source)).toBe(false);
    expect(await found({ phone: '+44 20 7946 1500' })).toEqual(['500']);
    expect(await found({ phone: '020 7946 2099' })).toEqual(['1099']);
    expect(await source.query('SELECT id FROM customer WHERE email_index IS NULL')).toHaveLength(1);
    expect(await reindexIdentifiers(source, app.stores.keys)).toBe(0);
  });
});
