import { References } from '../../src/audit/recording/references';
import { isBarredByArticle48 } from '../../src/disclosures/article-48';
import { Disclosures } from '../../src/disclosures/disclosures';
import { type Asker, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const staff: Asker = { role: 'PLATFORM_STAFF', client: 'acme', subject: 'staff-1' };
const officer: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme', subject: 'officer-1' };
const client: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const HOUR = 3_600_000;

const recording = `mutation Record($input: RecordDisclosureInput!) {
  recordDisclosure(input: $input) { disclosure { id status requestedBy subjectCount categories treaty toldAt } }
}`;
const approving =
  'mutation Approve($id: ID!) { approveDisclosure(input: {id: $id}) { disclosure { id status decidedBy toldAt } } }';
interface Listed {
  readonly disclosures: { readonly nodes: ReadonlyArray<{ readonly id: string }> };
}

const listing = '{ disclosures { nodes { id recipient status gagUntil } } }';

describe.each(databases)('disclosures on $name (statement S4)', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let acme: string;
  let german: string;
  let american: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    const { clients, customers } = app.services;
    acme = (await clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
    await clients.register({ slug: 'other', name: 'Other' }, 'test');
    await legal();
    german = await customers.create(acme, { firstName: 'CANARY-Gerda', residency: 'DE' }, 'test');
    american = await customers.create(acme, { firstName: 'CANARY-Al', residency: 'US' }, 'test');
  });

  afterAll(async () => {
    await app.services.ledger.close();
    await app.close();
    await database.drop();
  });

  const legal = (terms: object = {}) =>
    app.services.records.instruct(
      { client: acme, principal: 'test' },
      { purpose: 'LEGAL', reason: 'orders of courts and authorities', ...terms },
    );

  const input = (more: object = {}) => ({
    recipient: 'Police of Hesse',
    authority: 'Amtsgericht Frankfurt',
    authorityCountry: 'DE',
    legalBasis: '§ 95 StPO',
    reference: '931 Gs 17/26',
    scope: 'name and address',
    categories: ['NAME', 'CONTACT'],
    customerIds: [german],
    ...more,
  });

  async function record(more: object = {}, asker: Asker = staff) {
    const { data, errors } = await app.ask(asker, undefined, recording, { input: input(more) });
    return {
      disclosure: (data?.recordDisclosure as { disclosure: Record<string, unknown> } | null)?.disclosure,
      code: errors?.[0]?.extensions.code,
      rule: errors?.[0]?.extensions.rule,
    };
  }

  async function approve(id: unknown, asker: Asker = officer) {
    const { data, errors } = await app.ask(asker, undefined, approving, { id });
    return {
      disclosure: (data?.approveDisclosure as { disclosure: Record<string, unknown> } | null)?.disclosure,
      code: errors?.[0]?.extensions.code,
    };
  }

  const listed = async (asker: Asker) =>
    ((await app.ask(asker, undefined, listing)).data as unknown as Listed).disclosures.nodes;

  const entriesOf = (kind: string, of: string | undefined = acme) =>
    app.services.auditReader.entries(of, { kind }, 100, undefined);

  test('two persons decide: whoever recorded it does not approve it', async () => {
    const { disclosure } = await record({}, officer);
    expect(disclosure).toMatchObject({ status: 'REQUESTED', requestedBy: 'officer-1', subjectCount: 1 });
    expect((await approve(disclosure?.id)).code).toBe('CONFLICT');
    expect((await approve(disclosure?.id, staff)).code).toBe('FORBIDDEN');
    const approved = await approve(disclosure?.id, { ...officer, subject: 'officer-2' });
    expect(approved.disclosure).toMatchObject({ status: 'MADE', decidedBy: 'officer-2' });
    expect((await approve(disclosure?.id, { ...officer, subject: 'officer-3' })).code).toBe('CONFLICT');
  });

  test('one that is refused is not made', async () => {
    const { disclosure } = await record();
    const refusing = `mutation { refuseDisclosure(input: {id: "${disclosure?.id}", reason: "too broad"}) { disclosure { status } } }`;
    const { data } = await app.ask(officer, undefined, refusing);
    expect(data).toEqual({ refuseDisclosure: { disclosure: { status: 'REFUSED' } } });
    expect((await approve(disclosure?.id)).code).toBe('CONFLICT');
  });

  test('GDPR Art. 48: a third country’s order about persons in the EEA needs a treaty', async () => {
    const foreign = { authority: 'District Court, N.D. Cal.', authorityCountry: 'US' };
    expect(await record(foreign)).toMatchObject({ code: 'DISCLOSURE_BARRED', rule: 'GDPR Art. 48' });
    expect((await record({ ...foreign, authorityCountry: null })).code).toBe('DISCLOSURE_BARRED');
    expect((await record({ ...foreign, treaty: 'EU-US MLAT, OJ L 181, 19.7.2003' })).disclosure).toMatchObject({
      treaty: 'EU-US MLAT, OJ L 181, 19.7.2003',
    });
    expect((await record({ ...foreign, customerIds: [american] })).disclosure).toBeDefined();
    expect((await record({ ...foreign, customerIds: [american, german] })).code).toBe('DISCLOSURE_BARRED');
  });

  test.each([
    [{ authority: null }, false],
    [{ authorityCountry: 'FR' }, false],
    [{ authorityCountry: 'GB' }, true],
    [{ authorityCountry: null }, true],
    [{ authorityCountry: 'US', residencies: ['US'] }, false],
    [{ authorityCountry: 'US', residencies: [null] }, true],
    [{ authorityCountry: 'US', treaty: 'a treaty' }, false],
    [{ authorityCountry: 'FR', residencies: [null] }, false],
    [{ authorityCountry: 'US', residencies: ['GB'] }, false],
    [{ authorityCountry: 'GB', at: '2020-06-01' }, false],
    [{ authorityCountry: 'US', residencies: ['GB'], at: '2020-06-01' }, true],
  ])('Art. 48 on %j: barred %j', (facts, expected) => {
    const order = { authority: 'a court', authorityCountry: 'US', treaty: null, residencies: ['DE'], ...facts };
    const { at = '2026-11-23' } = facts as { at?: string };
    expect(isBarredByArticle48(order, Date.parse(at))).toBe(expected);
  });

  test('the client is told at once where no gag is in force', async () => {
    const { disclosure } = await record({ recipient: 'Tax office' });
    await approve(disclosure?.id);
    expect((await listed(client)).map(({ id }) => id)).toContain(disclosure?.id);
    const notices = await app.services.transfers.notices.list(acme, 50, undefined);
    expect(notices.find(({ id }) => id === disclosure?.id)).toMatchObject({
      kind: 'DISCLOSURE_MADE',
      subject: 'Data was disclosed to Tax office',
    });
    expect((await entriesOf('DISCLOSURE_MADE')).some(({ details }) => details?.record === disclosure?.id)).toBe(true);
  });

  test('under a gag the client finds it nowhere, and is told when it ends', async () => {
    const gagUntil = new Date(Date.now() + HOUR);
    const { disclosure } = await record({ recipient: 'Secret recipient', gagUntil: gagUntil.toISOString() });
    const id = String(disclosure?.id);
    expect((await approve(id)).disclosure).toMatchObject({ status: 'MADE', toldAt: null });
    expect((await listed(client)).map((each) => each.id)).not.toContain(id);
    expect((await listed(officer)).map((each) => each.id)).toContain(id);
    const mine = await app.services.auditReader.entries(acme, {}, 500, undefined);
    expect(JSON.stringify(mine)).not.toContain(id);
    expect(await app.services.disclosures.tellDue()).toBe(0);
    const told = async () =>
      (await app.services.transfers.notices.list(acme, 50, undefined)).some((row) => row.id === id);
    expect(await told()).toBe(false);

    const { regions, keys } = app.stores;
    const { recorder, transfers } = app.services;
    const references = new References(keys);
    const now = () => gagUntil.getTime() + 1;
    const later = new Disclosures({ regions, keys, references, recorder, notices: transfers.notices, now });
    expect(await later.tellDue()).toBe(1);
    expect(await later.tellDue()).toBe(0);
    expect(await told()).toBe(true);
    const [entry] = await entriesOf('DISCLOSURE_TOLD');
    expect(entry?.details).toMatchObject({ record: id, recipient: 'Secret recipient' });
    expect(entry?.subjects).toHaveLength(1);
    expect((await later.list(acme, true, 50)).map((each) => each.id)).toContain(id);
  });

  test('S1: another client’s disclosures do not exist, and persons must be the client’s own', async () => {
    const { disclosure } = await record();
    expect((await approve(disclosure?.id, { ...officer, client: 'other' })).code).toBe('NOT_FOUND');
    expect((await record({}, { ...staff, client: 'other' })).code).toBe('FORBIDDEN');
    expect((await record({}, { role: 'CLIENT_ADMIN', client: 'acme' })).code).toBe('FORBIDDEN');
    expect(await listed({ ...client, client: 'other' })).toEqual([]);
  });

  it('attack S12: whoever may not read for LEGAL is told nothing of persons, whatever is asked', async () => {
    const elsewhere = (await app.services.clients.find('other'))?.id ?? '';
    const stranger = await app.services.customers.create(elsewhere, { residency: 'US' }, 'test');
    const asked = [[german], [american], ['absent'], [stranger], [], [german, american]];
    const answers = async (asker: Asker, more: object = {}) => {
      const codes: unknown[] = [];
      for (const customerIds of asked) {
        const order = { recipient: '', authority: 'A court', authorityCountry: 'US', customerIds, ...more };
        codes.push((await record(order, asker)).code);
      }
      return new Set(codes);
    };
    for (const role of ['PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER'] as const) {
      const { client: _, ...nowhere } = { ...staff, role };
      for (const asker of [nowhere, { ...staff, role, client: 'other' }, { ...staff, role, purposes: [] }]) {
        expect(await answers(asker)).toEqual(new Set(['FORBIDDEN']));
        expect(await answers(asker, { recipient: 'Police' })).toEqual(new Set(['FORBIDDEN']));
      }
    }
    // Whoever may: what is written wrongly is said first, and barred, absent and out of reach are one answer.
    expect(await answers(staff)).toEqual(new Set(['BAD_USER_INPUT']));
    for (const customerIds of [['absent'], [stranger], [german], [american, 'absent']]) {
      const order = { authority: 'A court', authorityCountry: 'US', customerIds };
      expect((await record(order)).code).toBe('DISCLOSURE_BARRED');
    }
    const abroad: Asker = { ...staff, country: 'CN' };
    expect((await record({}, abroad)).code).toBe('DISCLOSURE_BARRED');
    expect((await record({ customerIds: ['absent'] }, abroad)).code).toBe('DISCLOSURE_BARRED');
  });

  it('attack S12: an instruction for some categories covers no others', async () => {
    const { records } = app.services;
    const other = (await app.services.clients.find('other'))?.id ?? '';
    const actor = { client: other, principal: 'test' };
    const someone = await app.services.customers.create(other, { residency: 'DE' }, 'test');
    await records.instruct(actor, { purpose: 'LEGAL', reason: 'one order', categories: ['NAME', 'ONLINE_IDENTIFIER'] });
    const there: Asker = { ...staff, client: 'other' };
    expect((await record({ customerIds: [someone] }, there)).code).toBe('FORBIDDEN');
    expect((await record({ customerIds: [someone], categories: ['NAME'] }, there)).disclosure).toBeDefined();
  });

  test('what it is about is named by references alone, and must be said', async () => {
    const rows = await app.stores.regions.home.query<Array<{ subjects: string }>>('SELECT subjects FROM disclosure');
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(german);
    expect((await record({ customerIds: [] })).code).toBe('BAD_USER_INPUT');
    expect((await record({ categories: [] })).code).toBe('BAD_USER_INPUT');
    expect((await record({ legalBasis: ' ' })).code).toBe('BAD_USER_INPUT');
    expect(app.internalErrors).toEqual([]);
  });
});
