import { about } from '../../src/identity/subject-state';
import { type Asker, claimsOf, openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { insertCustomer } from '../support/rows';
import { populate } from './people';
import { approve, askers, readable, sccToTheUs } from './transfer-app';

const { officer, agent } = askers;
const assessment = `query ($from: String!, $to: String!, $recipient: TransferRecipientInput!, $at: DateTime, $purposes: [ProcessingPurpose!]!) {
  transferAssessment(from: $from, to: $to, recipient: $recipient, categories: [NAME, CONTACT], purposes: $purposes, at: $at) {
    lawful basis regime article dpv approvals missing } }`;

describe.each(databases)('recipients in third countries on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let application: string;
  const partner: Asker = { role: 'PARTNER', client: 'acme', subject: 'mailer', country: 'DE' };

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    ({ client } = await populate(app, 'acme', { DE: 1, GB: 1, US: 1, BR: 1 }));
    ({ id: application } = await app.services.parties.registerApplication({
      slug: 'mailer',
      name: 'Mailer',
      publisher: 'Mailer Pvt.',
      country: 'IN',
      scopes: [],
      privacyNoticeVersion: '1',
      privacyNoticeUrl: 'https://publisher.example/privacy',
    }));
    const install = { applicationId: application, acceptedNoticeVersion: '1', purposes: ['SUPPORT' as const] };
    await app.services.parties.install(client, install, 'test');
  });
  afterAll(async () => {
    expect(app.internalErrors).toEqual([]);
    await app.close();
    await database.drop();
  });

  const toMailer = {
    ...sccToTheUs,
    recipient: { kind: 'APPLICATION', id: 'mailer' },
    destinationCountry: 'IN',
    sccModule: 2,
  };

  test('S3, T1: an installed application receives nothing without a basis, whatever country its token names', async () => {
    expect(await readable(app, partner)).toEqual(['US']);
    await approve(app, toMailer);
    expect(await readable(app, partner)).toEqual(['DE', 'US']);
    // The approval is the application's, not everybody's in that country.
    expect(await readable(app, agent('IN'))).toEqual(['US']);
    expect(await readable(app, { ...partner, subject: 'unknown' }).catch(() => [])).toEqual([]);
  });

  test('webhooks ask the same question', async () => {
    const recipient = { kind: 'APPLICATION' as const, id: application };
    const asked = {
      client,
      recipient,
      country: 'IN',
      categories: ['CONTACT' as const],
      purposes: ['SUPPORT' as const],
    };
    const { rules } = app.services.transfers;
    expect(await rules.mayReceive({ ...asked, residency: 'DE' })).toEqual({ allowed: true, rule: '' });
    expect(await rules.mayReceive({ ...asked, residency: 'GB' })).toEqual({ allowed: false, rule: 'UK GDPR Art. 44A' });
    expect(await rules.mayReceive({ ...asked, residency: 'US' })).toMatchObject({ allowed: true });
    expect(await rules.mayReceive({ ...asked, residency: null })).toMatchObject({ allowed: false });
    expect(await rules.mayReceive({ ...asked, residency: 'BR' })).toMatchObject({ allowed: false });
    const more = { ...asked, residency: 'DE' };
    expect(await rules.mayReceive({ ...more, categories: ['CONTACT', 'DEVICE'] })).toMatchObject({ allowed: false });
    expect(await rules.mayReceive({ ...more, purposes: ['SUPPORT', 'LEGAL'] })).toMatchObject({ allowed: false });
    expect(await rules.mayReceive({ ...more, purposes: [] })).toMatchObject({ allowed: false });
    expect(await rules.mayReceive({ ...more, country: undefined })).toMatchObject({ allowed: false });
    expect(await rules.mayReceive({ ...more, recipient: { kind: 'APPLICATION', id: 'x' } })).toMatchObject({
      allowed: false,
    });
  });

  test.each([
    ['DE', 'GB', 'PLATFORM', '2031-12-27T12:00:00Z', true, 'ADEQUACY', 'GDPR Art. 45(3), Decision (EU) 2021/1772'],
    ['DE', 'GB', 'PLATFORM', '2031-12-28T12:00:00Z', false, null, 'GDPR Art. 44'],
    ['DE', 'BR', 'PLATFORM', '2026-01-25T12:00:00Z', false, null, 'GDPR Art. 44'],
    ['DE', 'BR', 'PLATFORM', '2026-01-26T12:00:00Z', true, 'ADEQUACY', 'GDPR Art. 45(3), Decision (EU) 2026/179'],
    ['US', 'IN', 'PLATFORM', null, true, 'UNRESTRICTED', 'no general export restriction in US federal law'],
    ['FR', 'DE', 'PLATFORM', null, true, 'NO_TRANSFER', 'within European Economic Area'],
    ['BR', 'DE', 'PLATFORM', null, false, null, 'no transfer rule held for the country of residence (statement T1)'],
  ])('transferAssessment %s → %s, %s, at %s', async (from, to, kind, at, lawful, basis, article) => {
    const variables = { from, to, recipient: { kind }, at, purposes: ['SUPPORT'] };
    const { data, errors } = await app.ask(officer, undefined, assessment, variables);
    expect(errors).toBeUndefined();
    const { transferAssessment } = data as { transferAssessment: { missing: string[] } };
    expect(transferAssessment).toMatchObject({ lawful, basis, article });
    expect(transferAssessment.missing.length > 0).toBe(!lawful);
  });

  test('an assessment knows approvals, as they were then', async () => {
    const variables = { from: 'DE', to: 'IN', recipient: { kind: 'APPLICATION', id: 'mailer' } };
    const ask = async (more: object) => {
      const { data } = await app.ask(officer, undefined, assessment, { ...variables, ...more });
      return (data as Record<string, Record<string, unknown>>).transferAssessment;
    };
    expect(await ask({ purposes: ['SUPPORT'] })).toEqual({
      lawful: true,
      basis: 'APPROVAL',
      regime: 'EEA',
      article: 'GDPR Art. 46(2)(c)',
      dpv: 'https://w3id.org/dpv/legal/eu/gdpr#A46-2-c',
      approvals: [expect.any(String)],
      missing: [],
    });
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    expect(await ask({ purposes: ['SUPPORT'], at: yesterday })).toMatchObject({ lawful: false, approvals: [] });
    expect(await ask({ purposes: ['SUPPORT', 'LEGAL'] })).toMatchObject({
      lawful: false,
      article: 'GDPR Art. 44',
      missing: [expect.stringContaining('an adequacy finding for IN'), 'an approval in force for LEGAL'],
    });
  });

  test('explainAccess says for each country what becomes of a field', async () => {
    const explain = (asker: Asker) =>
      app.ask(
        asker,
        undefined,
        `{ explainAccess(operation: "{ customers { nodes { email gender } } client { users { nodes { email } } } }", purpose: SUPPORT) {
          coordinate outcome transfers { residency outcome code rule basis } } }`,
      );
    const { data, errors } = await explain(agent('US'));
    expect(errors).toBeUndefined();
    const fields = (data as { explainAccess: Array<{ coordinate: string; transfers: unknown }> }).explainAccess;
    const notHeld = 'no transfer rule held for the country of residence (statement T1)';
    const withheld = { outcome: 'WITHHELD', code: 'TRANSFER_NOT_AUTHORIZED', basis: null };
    expect(fields.find(({ coordinate }) => coordinate === 'Customer.email')?.transfers).toEqual([
      { residency: 'BR', ...withheld, rule: notHeld },
      { residency: 'DE', ...withheld, rule: 'GDPR Art. 44' },
      { residency: 'GB', ...withheld, rule: 'UK GDPR Art. 44A' },
      {
        residency: 'US',
        outcome: 'CLEAR',
        code: null,
        rule: 'no general export restriction in US federal law',
        basis: null,
      },
    ]);
    // The client's own users: the country that it is registered in, which nobody recorded here.
    expect(fields.find(({ coordinate }) => coordinate === 'ClientUser.email')?.transfers).toMatchObject([
      { residency: null, ...withheld },
    ]);
    // Where a client's customers live is the client's to know.
    const toPartner = (await explain({ ...partner, client: 'acme' })).data as { explainAccess: unknown[] } | null;
    expect(toPartner?.explainAccess ?? []).not.toContainEqual(
      expect.objectContaining({ transfers: expect.any(Array) }),
    );
  });

  it('attack S12: where the people live is told for a purpose that was granted, and to nobody without one', async () => {
    const explain = async (asker: Asker, purpose: string | null) => {
      const { data } = await app.ask(
        asker,
        undefined,
        `query ($purpose: ProcessingPurpose) { explainAccess(operation: "{ customers { nodes { email } } }", purpose: $purpose) {
          transfers { residency } } }`,
        { purpose },
      );
      return (data as { explainAccess: Array<{ transfers: unknown }> } | null)?.explainAccess.flatMap(
        ({ transfers }) => transfers ?? [],
      );
    };
    const instructed: Asker = { role: 'PLATFORM_STAFF', client: 'acme', subject: 'ops@platform' };
    for (const purpose of [null, 'SUPPORT', 'LEGAL']) expect(await explain(instructed, purpose)).toEqual([]);
    expect(await explain({ role: 'CLIENT_APP', client: 'acme' }, null)).toEqual([]);
    expect(await explain({ role: 'CLIENT_APP', client: 'acme', purposes: [] }, 'SUPPORT')).toEqual([]);
    expect(await explain({ role: 'CLIENT_APP', client: 'acme' }, 'SUPPORT')).not.toEqual([]);
    const actor = { client, principal: 'test' };
    await app.services.records.instruct(actor, { purpose: 'SUPPORT', reason: 'ticket', categories: ['NAME'] });
    expect(await explain(instructed, 'SUPPORT')).toEqual([]);
    await app.services.records.instruct(actor, { purpose: 'SUPPORT', reason: 'ticket' });
    expect(await explain(instructed, 'SUPPORT')).not.toEqual([]);
  });

  test('what carried data across a border is noted for the audit ledger', async () => {
    await insertCustomer(app, client, { residency: 'CH', firstName: 'CH-0', email: 'CH-0@example.org' });
    const { accessService } = app.services;
    const context = await accessService.contextFor(claimsOf(partner), 'SUPPORT');
    const row = context.access.row;
    expect(
      row?.(about({}, { restriction: null, objections: 0, residency: 'DE' }), 'Customer.email', 'CONTACT'),
    ).toBeUndefined();
    expect([...context.notes.transferBases]).toEqual([expect.stringMatching(/^SCC module 2, approval /)]);
  });
});
