import { adoptRecords, type RecordFinding, verifyRecords } from '../../src/audit/verification/records';
import { jobWorker } from '../../src/background';
import { ClientInstruction } from '../../src/identity/client-instruction';
import { GranteeKind, PurposeGrant } from '../../src/identity/purpose-grant';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { approve, sccToTheUs } from '../transfers/transfer-app';

const officer: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'dpo@platform' };

describe.each(databases)('attack S16: records are held against the ledger on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;
  let person: string;
  let restricted: string;
  let grant: string;
  let instruction: string;
  let hold: string;
  let approval: string;

  const sql = (text: string, ...values: Array<string | number | null>) =>
    app.stores.regions.home.query<unknown[]>(text, values);
  const findings = async (): Promise<readonly RecordFinding[]> => {
    const { regions, keys } = app.stores;
    return (await verifyRecords({ regions, keys, references: app.services.references })).findings;
  };
  const told = async () => (await findings()).map(({ problem, table, row }) => [problem, table, row]);

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    const { services } = app;
    acme = (await services.clients.register({ slug: 'acme', name: 'Acme', country: 'DE' }, 'test')).id;
    await services.clients.register({ slug: 'other', name: 'Other' }, 'test');
    const actor = { client: acme, principal: 'test' };
    person = await services.customers.create(acme, { firstName: 'Ada', residency: 'DE' }, 'test');
    restricted = await services.customers.create(acme, { firstName: 'Bo', residency: 'DE' }, 'test');
    await services.customers.setRestriction(acme, restricted, 'OBJECTION', 'test');
    const granted = { granteeKind: GranteeKind.PRINCIPAL, grantee: 'ann@acme', purpose: 'LEGAL', reason: 'r' } as const;
    grant = (await services.records.grant(actor, granted)).id;
    const withdrawn = await services.records.grant(actor, { ...granted, grantee: 'bob@acme' });
    await services.records.withdraw(PurposeGrant, actor, withdrawn.id, 'over');
    instruction = (await services.records.instruct(actor, { purpose: 'SUPPORT', reason: 'ticket' })).id;
    await services.clients.sign(acme, { kind: 'DPA', version: '1', excludedPurposes: ['IMPROVEMENT'] }, 'test');
    const sub = {
      name: 'S',
      service: 's',
      country: 'US',
      purposes: ['SUPPORT' as const],
      categories: ['NAME' as const],
    };
    await services.parties.registerSubProcessor({ ...sub, slug: 'cloud', certifications: [] }, 'test');
    const application = await services.parties.registerApplication(
      {
        slug: 'mailer',
        name: 'M',
        publisher: 'p',
        country: 'DE',
        scopes: [],
        privacyNoticeVersion: '1',
        privacyNoticeUrl: 'https://p.example/privacy',
      },
      'test',
    );
    const install = { applicationId: application.id, acceptedNoticeVersion: '1', purposes: ['SUPPORT' as const] };
    await services.parties.install(acme, install, 'test');
    const installed = await services.parties.install(acme, install, 'test');
    await services.webhooks.register(
      acme,
      { kind: 'APPLICATION', id: installed.id },
      { url: 'https://mailer.example/hook' },
      'test',
    );
    hold = (
      await services.erasure.holds.place(actor, { customerId: person, categories: ['NAME'], matter: 'm', reason: 'r' })
    ).id;
    await services.erasure.retention.set(actor, 'COMMERCE', 400);
    await services.erasure.retention.set(actor, null, 4000);
    await services.erasure.retention.set(actor, null, null);
    approval = await approve(app, sccToTheUs);
    const { data } = await app.ask(
      officer,
      undefined,
      `mutation { certifyRecipient(input: {kind: CLIENT, certifications: [{framework: EU_US_DPF, from: "2024-01-01T00:00:00Z"}]}) {
        certifications { id } } }`,
    );
    expect(data).toBeTruthy();
    const { suspension } = await services.transfers.killSwitch.suspend('EU-2021/914', Date.now(), 'court', 'test');
    await services.transfers.suspensions.reinstate(suspension.id, Date.now(), 'appeal', 'test');
    const disclosure = {
      recipient: 'Police',
      legalBasis: 'law',
      reference: 'x',
      scope: 'name',
      categories: ['NAME' as const],
      customerIds: [person],
    };
    const made = await services.disclosures.request(acme, disclosure, 'one');
    await services.disclosures.approve(acme, made.id, 'two');
    const gagUntil = new Date(Date.now() + 3_600_000);
    const gagged = await services.disclosures.request(acme, { ...disclosure, gagUntil }, 'one');
    await services.disclosures.approve(acme, gagged.id, 'two');
    await services.transfers.proposals.propose('EXPORT_CLIENT', acme, {}, 'test');
  });

  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.services.ledger.close();
    await app.close();
    await database.drop();
  });

  it('attack S16: what was decided is found as it was decided', async () => {
    expect(await findings()).toEqual([]);
  });

  it('clocks of processes that are hours wrong change no order of decisions', async () => {
    const ahead = await app.replica();
    const hence = () => performance.timeOrigin + performance.now() + 7_200_000;
    const wrong = jest.spyOn(Date, 'now').mockImplementation(hence);
    const actor = { client: acme, principal: 'test' };
    const terms = { granteeKind: GranteeKind.PRINCIPAL, grantee: 'eve@acme', purpose: 'LEGAL', reason: 'r' } as const;
    const given = await ahead.services.records.grant(actor, terms);
    wrong.mockRestore();
    await app.services.records.withdraw(PurposeGrant, actor, given.id, 'over');
    await ahead.services.ledger.close();
    await ahead.close();
    expect(await findings()).toEqual([]);
  });

  it('attack S16: what could not be made after it was recorded does not count', async () => {
    const actor = { client: acme, principal: 'test' };
    const absent = { customerId: 'nobody', categories: ['NAME' as const], matter: 'm', reason: 'r' };
    await expect(app.services.erasure.holds.place(actor, absent)).rejects.toThrow('no such');
    await expect(app.services.records.withdraw(ClientInstruction, actor, 'x', 'r')).rejects.toThrow('no such');
    expect(await findings()).toEqual([]);
  });

  type Raw = Record<string, string | number | null>;
  interface Tampering {
    readonly name: string;
    readonly table: string;
    readonly problem: RecordFinding['problem'];
    readonly change: () => Promise<unknown>;
  }
  const rowsIn = async (table: string, where = '1 = 1') =>
    (await sql(`SELECT * FROM ${table} WHERE ${where}`)) as Raw[];
  const insert = (table: string, row: Raw) => {
    const names = Object.keys(row).map((name) => `\`${name}\``);
    const places = names.map(() => '?').join(', ');
    return sql(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`, ...Object.values(row));
  };
  const set = (table: string, column: string, value: string | number | null, where: string) => ({
    table,
    problem: 'DIFFERS' as const,
    change: async () => {
      expect((await rowsIn(table, where)).length).toBeGreaterThan(0);
      await sql(`UPDATE ${table} SET ${column} = ? WHERE ${where}`, value);
    },
  });
  const remove = (table: string, where: string) => ({
    table,
    problem: 'MISSING' as const,
    change: async () => {
      expect(await rowsIn(table, where)).toHaveLength(1);
      await sql(`DELETE FROM ${table} WHERE ${where}`);
    },
  });
  const copy = (table: string, column: string, where: string, value = 'planted') => ({
    table,
    problem: 'UNDECIDED' as const,
    change: async () => insert(table, { ...(await rowsIn(table, where))[0], [column]: value }),
  });

  const tamperings: readonly Tampering[] = [
    { name: 'an instruction is planted', ...copy('client_instruction', 'id', '1 = 1') },
    { name: 'a grant is planted', ...copy('purpose_grant', 'id', "grantee = 'ann@acme'") },
    { name: 'a grant is for somebody else', ...set('purpose_grant', 'grantee', 'eve@acme', "grantee = 'ann@acme'") },
    { name: 'a withdrawal is undone', ...set('purpose_grant', 'withdrawn_at', null, "grantee = 'bob@acme'") },
    { name: 'a grant lasts longer', ...set('purpose_grant', 'valid_to', 9_999_999_999_999, "grantee = 'ann@acme'") },
    { name: 'a grant is taken away', ...remove('purpose_grant', "grantee = 'ann@acme'") },
    { name: 'an instruction covers more', ...set('client_instruction', 'purpose', 'LEGAL', '1 = 1') },
    { name: 'an agreement excludes nothing any more', ...set('agreement', 'excluded_purposes', '', '1 = 1') },
    { name: 'an agreement is planted', ...copy('agreement', 'id', '1 = 1') },
    { name: 'a sub-processor moves', ...set('sub_processor', 'country', 'DE', "slug = 'cloud'") },
    { name: 'an application may use more', ...set('third_party_application', 'scopes', 'all', '1 = 1') },
    { name: 'a notice counts as accepted', ...set('installation', 'accepted_notice_version', '2', '1 = 1') },
    { name: 'a certification is planted', ...copy('recipient_certification', 'id', '1 = 1') },
    { name: 'a certification is for others', ...set('recipient_certification', 'recipient_kind', 'PLATFORM', '1 = 1') },
    { name: 'an approval covers more', ...set('transfer_approval', 'categories', 'NAME,HEALTH', '1 = 1') },
    { name: 'an approval is approved again', ...copy('transfer_event', 'sequence', "action = 'APPROVED'", '000009') },
    { name: 'an approval’s revocation is gone', ...remove('transfer_event', "action = 'APPROVED'") },
    { name: 'a suspension is lifted earlier', ...set('legal_basis_suspension', 'reinstated_from', 1, '1 = 1') },
    { name: 'a hold is released', ...set('legal_hold', 'released_at', 1, '1 = 1') },
    { name: 'a hold is taken away', ...remove('legal_hold', '1 = 1') },
    { name: 'a hold keeps somebody else', ...set('legal_hold', 'customer_id', 'another', '1 = 1') },
    { name: 'a retention is shorter', ...set('retention_rule', 'days', 1, '1 = 1') },
    { name: 'a retention is planted', ...copy('retention_rule', 'scope', '1 = 1', 'NAME') },
    { name: 'a webhook goes elsewhere', ...set('webhook_endpoint', 'url', 'https://eve.example/', '1 = 1') },
    { name: 'a disclosure is made', ...set('disclosure', 'status', 'REQUESTED', 'gag_until IS NULL') },
    { name: 'a gag ends earlier', ...set('disclosure', 'gag_until', 1, 'gag_until IS NOT NULL') },
    { name: 'a proposal is another person’s', ...set('proposal', 'proposed_by', 'deputy', '1 = 1') },
    { name: 'a client is hosted elsewhere', ...set('client', 'region', 'US', "slug = 'acme'") },
    { name: 'an objection is forgotten', ...set('customer', 'restriction', null, "restriction = 'OBJECTION'") },
    { name: 'a restriction is another', ...set('customer', 'restriction', 'ACCURACY', "restriction = 'OBJECTION'") },
    {
      name: 'a person is withheld for an erasure that nobody asked for',
      ...set('customer', 'restriction', 'ERASURE', 'restriction IS NULL'),
      problem: 'UNDECIDED',
    },
  ];

  it.each(tamperings)('attack S16: $name, by SQL, and it is named', async ({ table, problem, change }) => {
    const before = await rowsIn(table);
    await change();
    expect(await told()).toEqual([[problem, table, expect.any(String)]]);
    await sql(`DELETE FROM ${table}`);
    for (const row of before) await insert(table, row);
    expect(await findings()).toEqual([]);
  });

  it('attack S16: a residency that was decided is held against the decision', async () => {
    const changing = `mutation { updateCustomer(input: {customerId: "${person}", residency: "FR"}) { customer { id } } }`;
    const { errors } = await app.ask({ role: 'CLIENT_ADMIN', client: 'acme' }, 'SUPPORT', changing);
    expect(errors).toBeUndefined();
    expect(await findings()).toEqual([]);
    await sql("UPDATE customer SET residency = 'US' WHERE id = ?", person);
    expect(await findings()).toMatchObject([
      { problem: 'DIFFERS', table: 'customer', row: person, entry: expect.any(String) },
    ]);
    await sql("UPDATE customer SET residency = 'FR' WHERE id = ?", person);
    expect(await findings()).toEqual([]);
  });

  it('attack S16: what is told names the row, the client, the column and the entry that decided otherwise', async () => {
    await sql('UPDATE purpose_grant SET valid_to = 9 WHERE id = ?', grant);
    const [found] = await findings();
    expect(found).toMatchObject({ row: grant, client: acme, message: 'valid_to is not what was decided: 9, not null' });
    const entry = await app.services.auditReader.entry(acme, found?.entry ?? '');
    expect(entry).toMatchObject({ kind: 'GRANT_GIVEN', details: { record: grant } });
    // No word of a record is in the ledger.
    expect(JSON.stringify(entry)).not.toContain('ann@acme');
    await sql('UPDATE purpose_grant SET valid_to = NULL WHERE id = ?', grant);
    expect([instruction, hold, approval].every(Boolean)).toBe(true);
  });

  it('attack S16: a wrapped key in another’s place costs that person’s fields, never the page, and it is named', async () => {
    const replica = await app.replica();
    const { keysSource } = replica.stores;
    const keyOf = async (id: string) =>
      (
        await keysSource.query<Array<{ wrapped: Buffer }>>('SELECT wrapped FROM subject_key WHERE subject_id = ?', [id])
      )[0]?.wrapped;
    const put = (id: string, wrapped: unknown) =>
      keysSource.query('UPDATE subject_key SET wrapped = ? WHERE subject_id = ?', [wrapped, id]);
    const [own, other] = [await keyOf(person), await keyOf(restricted)];
    await put(person, other);
    const agent: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
    const { data, errors } = await replica.ask(agent, 'LEGAL', '{ customers { nodes { id firstName residency } } }');
    expect((data as { customers: { nodes: object[] } }).customers.nodes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: person, firstName: null, residency: 'FR' }),
        expect.objectContaining({ id: restricted, firstName: 'Bo', residency: 'DE' }),
      ]),
    );
    expect(errors?.map(({ path }) => path?.at(-1))).toEqual(['firstName']);
    const { regions, keys } = replica.stores;
    const { findings: found } = await verifyRecords({ regions, keys, references: replica.services.references });
    expect(found).toMatchObject([{ problem: 'KEY', table: 'customer', row: person, client: acme }]);
    await put(person, own);
    await replica.services.ledger.close();
    await replica.close();
    expect(await findings()).toEqual([]);
  });

  it('attack S16: an operator accepts rows as they are, on the record', async () => {
    const before = await rowsIn('purpose_grant');
    const [first] = before;
    await insert('purpose_grant', { ...first, id: 'planted' } as Raw);
    await sql('UPDATE purpose_grant SET valid_to = 9 WHERE id = ?', grant);
    await sql('DELETE FROM retention_rule');
    await sql('UPDATE customer SET restriction = NULL WHERE id = ?', restricted);
    expect(await findings()).toHaveLength(4);
    const { regions, keys } = app.stores;
    const parts = { regions, keys, references: app.services.references };
    expect(await adoptRecords(parts, app.services.recorder, { by: 'ann', reason: 'looked at' })).toBe(4);
    expect(await verifyRecords(parts)).toMatchObject({ adopted: 4, findings: [] });
    await sql("DELETE FROM purpose_grant WHERE id = 'planted'");
    expect(await told()).toEqual([['MISSING', 'purpose_grant', 'planted']]);
    await insert('purpose_grant', { ...first, id: 'planted' } as Raw);
    expect(await findings()).toEqual([]);
  });

  it('attack S16: a person who is erased, and a client that ends, leave nothing to find', async () => {
    const { erasure, customers } = app.services;
    const actor = { client: acme, principal: 'test' };
    const filing = { principal: 'test', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    const gone = await customers.create(acme, { firstName: 'Cy', residency: 'DE' }, 'test');
    const kept = await erasure.holds.place(actor, { customerId: gone, categories: ['NAME'], matter: 'm', reason: 'r' });
    const { id } = await erasure.erasures.request(acme, gone, filing);
    expect(await findings()).toEqual([]);
    await erasure.erasures.cancel(acme, id, 'test');
    expect(await findings()).toEqual([]);
    await erasure.erasures.request(acme, gone, filing);
    await erasure.holds.release(actor, kept.id);

    await jobWorker(app.stores, app.services).drain();
    expect(await findings()).toEqual([]);
    const ending = { clientId: acme, effectiveOn: new Date(0) };
    await erasure.terminations.terminate(ending, { principal: 'test', role: 'CLIENT_ADMIN' });
    await jobWorker(app.stores, app.services).drain();
    expect(await findings()).toEqual([]);
  });
});
