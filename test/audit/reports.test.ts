import { write } from '../../src/audit/reports/report';
import type { Asker } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';
import { type AuditedServer, fill, openAuditedServer } from './audited-server';

const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const agent: Asker = { role: 'CLIENT_AGENT', client: 'acme', country: 'DE' };
const query = `query Report($kind: AuditReportKind!, $customerId: ID) {
  auditReport(kind: $kind, customerId: $customerId) { title basis facts { name value } sheets { title columns rows } csv json html }
}`;

interface Shown {
  readonly title: string;
  readonly facts: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly sheets: ReadonlyArray<{ readonly title: string; readonly columns: string[]; readonly rows: string[][] }>;
  readonly csv: string;
  readonly json: string;
  readonly html: string;
}

describe.each(databases)('reports on $name', ({ create }) => {
  let database: TestDatabase;
  let server: AuditedServer;
  let acme: { id: string; ids: string[] };
  let person: string;

  beforeAll(async () => {
    database = await create();
    server = await openAuditedServer(database);
    acme = await fill(server, 'acme', 2);
    person = acme.ids[0] ?? '';
    const { clients, parties } = server.app.services;
    await clients.sign(acme.id, { kind: 'HEALTH', version: '1' }, 'test');
    const application = await parties.registerApplication({
      slug: 'mailer',
      name: 'Mailer',
      publisher: 'Mailer GmbH',
      country: 'DE',
      scopes: ['customers:read'],
      privacyNoticeVersion: '1',
      privacyNoticeUrl: 'https://publisher.example/privacy',
    });
    await parties.install(
      acme.id,
      { applicationId: application.id, acceptedNoticeVersion: '1', purposes: ['SERVICE_DELIVERY'] },
      'test',
    );
  });

  afterAll(async () => {
    await server.close();
    await database.drop();
  });

  async function report(kind: string, customerId?: string, asker = officer): Promise<Shown> {
    const { body } = await server.post(asker, undefined, query, { kind, customerId });
    expect(body.errors).toBeUndefined();
    return (body.data as unknown as { auditReport: Shown }).auditReport;
  }

  test('GDPR Art. 19: the recipients of a person’s data, repeated accesses in one line', async () => {
    const partner: Asker = { role: 'PARTNER', client: 'acme', subject: 'mailer', scopes: ['customers:read'] };
    const read = `{ customer(id: "${person}") { firstName email } }`;
    for (let times = 0; times < 3; times++) {
      expect((await server.post(partner, 'SERVICE_DELIVERY', read)).body.errors).toBeUndefined();
    }
    await server.post(agent, 'SUPPORT', read);
    const { sheets, facts } = await report('RECIPIENTS', person);
    expect(facts).toContainEqual({ name: 'Person', value: person });
    expect(facts).toContainEqual({ name: 'Client', value: `CANARY-company-acme (acme, ${acme.id})` });
    const ledger = /^sound, verified up to \d{4}-\d\d-\d\dT\S+Z: \d+ entries in \d+ logs?$/;
    expect(facts).toContainEqual({ name: 'Ledger', value: expect.stringMatching(ledger) });
    expect(sheets).toEqual([
      {
        title: 'Recipients',
        columns: ['Recipient', 'Kind', 'Purpose', 'Categories', 'First', 'Last', 'Times'],
        rows: [
          [
            'Mailer (mailer)',
            'THIRD_PARTY_APPLICATION',
            'SERVICE_DELIVERY',
            'CONTACT, NAME, ONLINE_IDENTIFIER',
            expect.any(String),
            expect.any(String),
            '3',
          ],
        ],
      },
    ]);
    expect((await report('RECIPIENTS', acme.ids[1])).sheets[0]?.rows).toEqual([]);
  });

  test('45 CFR 164.528: disclosures of health information are accounted for', async () => {
    const { disclosures } = server.app.services;
    const input = {
      recipient: 'Health insurer',
      legalBasis: '45 CFR 164.512(e)',
      reference: 'case 7',
      scope: 'records of 2026',
      categories: ['HEALTH' as const],
      customerIds: [person],
    };
    const { id } = await disclosures.request(acme.id, input, 'one');
    await disclosures.approve(acme.id, id, 'two');
    const { sheets } = await report('ACCOUNTING_OF_DISCLOSURES', person);
    expect(sheets[0]?.rows).toEqual([
      ['Health insurer', 'AUTHORITY_OR_PARTY', 'LEGAL', 'HEALTH', expect.any(String), expect.any(String), '1'],
    ]);
  });

  test('GDPR Art. 30(2): what is declared stands beside what was done, and differences are shown', async () => {
    await server.post(agent, 'SUPPORT', '{ customers { nodes { firstName } } }');
    const { facts, sheets } = await report('PROCESSING_RECORD');
    expect(facts).toContainEqual({ name: 'Controller', value: 'CANARY-company-acme' });
    const rows = sheets.find(({ title }) => title.startsWith('Categories of processing'))?.rows ?? [];
    const of = (purpose: string, category: string) => rows.find((row) => row[0] === purpose && row[1] === category);
    expect(of('SUPPORT', 'NAME')).toEqual(['SUPPORT', 'NAME', 'grant', expect.stringMatching(/^[1-9]/), '0', '']);
    expect(of('LEGAL', 'CORRESPONDENCE')).toEqual([
      'LEGAL',
      'CORRESPONDENCE',
      'grant',
      '0',
      '0',
      'declared, not observed',
    ]);
    expect(sheets.map(({ title }) => title)).toEqual([
      'Categories of processing (Art. 30(2)(b))',
      'Transfers to third countries (Art. 30(2)(c))',
      'Sub-processors',
      'Agreements',
      'Technical and organisational measures (Art. 30(2)(d), Art. 32)',
    ]);

    const { permissions } = await server.app.services.policies.policy(acme.id);
    expect(permissions.length).toBeGreaterThan(0);
    const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
    const listed = await server.post(admin, undefined, '{ purposeGrants { id purpose } }');
    const all = (listed.body.data as unknown as { purposeGrants: Array<{ id: string; purpose: string }> })
      .purposeGrants;
    for (const { id } of all.filter(({ purpose }) => purpose === 'SUPPORT')) {
      await server.post(
        admin,
        undefined,
        `mutation { withdrawPurpose(input: {id: "${id}", reason: "over"}) { grant { id } } }`,
      );
    }
    const after = await report('PROCESSING_RECORD');
    expect(after.sheets[0]?.rows.find((row) => row[0] === 'SUPPORT' && row[1] === 'NAME')?.[5]).toBe(
      'OBSERVED, NOT DECLARED',
    );
  });

  it('F: the record names processor, controller, representative and officer, and says who is not named', async () => {
    const naming = `mutation { nameClientContacts(input: {dataProtectionOfficer: "dpo@acme.example"}) {
      client { dataProtectionOfficer representative } } }`;
    const named = await server.post({ role: 'CLIENT_ADMIN', client: 'acme' }, undefined, naming);
    expect(named.body.data).toEqual({
      nameClientContacts: { client: { dataProtectionOfficer: 'dpo@acme.example', representative: null } },
    });
    expect((await server.post(agent, undefined, naming)).body.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const { facts, html } = await report('PROCESSING_RECORD');
    const said = Object.fromEntries(facts.map(({ name, value }) => [name, value]));
    expect(said).toMatchObject({
      Processor: 'NOT NAMED: PROCESSOR_NAME',
      'Controller’s data protection officer': 'dpo@acme.example',
      'Controller’s representative': 'none',
      Ledger: expect.stringMatching(/^sound/),
    });
    expect(html).toContain('counter(page)');
  });

  it('F: transfers under adequacy are listed, those that happened and those that are possible, by name', async () => {
    const { parties } = server.app.services;
    await parties.registerSubProcessor({
      slug: 'swiss',
      name: 'Swiss Hosting',
      service: 'hosting',
      country: 'CH',
      purposes: ['SUPPORT'],
      categories: ['NAME'],
    });
    const rows = async () =>
      (await report('PROCESSING_RECORD')).sheets.find(({ title }) => title.startsWith('Transfers'))?.rows ?? [];
    const possible = (await rows()).find((row) => row[0]?.startsWith('Swiss Hosting (SUB_PROCESSOR '));
    expect(possible?.slice(1, 5)).toEqual([
      'CH',
      expect.stringMatching(/2000\/518.*of people of DE$/),
      'POSSIBLE',
      'NAME',
    ]);
    const abroad: Asker = { role: 'SUB_PROCESSOR', client: 'acme', subject: 'swiss' };
    const answer = await server.post(abroad, 'SUPPORT', '{ customers { nodes { firstName } } }');
    expect(answer.body.errors).toBeUndefined();
    const done = (await rows()).find((row) => row[0] === 'Swiss Hosting (swiss)');
    expect(done?.slice(1, 6)).toEqual([
      'CH',
      expect.stringContaining('2000/518'),
      'OBSERVED',
      expect.stringContaining('NAME'),
      '1',
    ]);
  });

  it('F: measures are what was observed', async () => {
    const { sheets } = await report('PROCESSING_RECORD');
    const measures = Object.fromEntries(sheets.at(-1)?.rows.map(([name, seen]) => [name, seen]) ?? []);
    expect(measures).toMatchObject({
      'Access by purpose': expect.stringMatching(/^\d+ operations recorded; withheld: /),
      'Encryption at rest': '2 keys for 2 people, each wrapped by the client’s own',
      Accountability: expect.stringMatching(/^sound/),
      'Encryption in transit': 'not observed: TLS ends before the server',
    });
  });

  test('each format says the same', async () => {
    const { title, csv, json, html } = await report('RECIPIENTS', person);
    expect(JSON.parse(json)).toMatchObject({
      title,
      sheets: { Recipients: [{ Recipient: 'Mailer (mailer)', Times: '3' }, {}, {}] },
    });
    expect(csv.split('\r\n')).toContain('Recipient,Kind,Purpose,Categories,First,Last,Times');
    expect(csv).toContain(
      'Mailer (mailer),THIRD_PARTY_APPLICATION,SERVICE_DELIVERY,"CONTACT, NAME, ONLINE_IDENTIFIER"',
    );
    expect(html).toContain('<td>Mailer (mailer)</td><td>THIRD_PARTY_APPLICATION</td>');
  });

  test('S1: they are about the token’s client, for its privacy officers and auditors', async () => {
    const forbidden = await server.post(agent, undefined, query, { kind: 'PROCESSING_RECORD' });
    expect(forbidden.body.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const unnamed = await server.post({ role: 'AUDITOR' }, undefined, query, { kind: 'PROCESSING_RECORD' });
    expect(unnamed.body.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const nobody = await server.post(officer, undefined, query, { kind: 'RECIPIENTS' });
    expect(nobody.body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect((await report('PROCESSING_RECORD', undefined, { role: 'AUDITOR', client: 'acme' })).facts).toContainEqual({
      name: 'Client',
      value: `acme (${acme.id})`,
    });
  });
});

test('what others wrote into a report is a text, in a spreadsheet and on a page', () => {
  const report = {
    title: 'T',
    basis: 'B',
    generatedAt: new Date(0),
    facts: [],
    sheets: [{ title: 'S', columns: ['A'], rows: [['=cmd()'], ['<script>alert(1)</script>'], ['a "b", c']] }],
  };
  expect(write(report, 'csv')).toContain(`'=cmd()\r\n<script>alert(1)</script>\r\n"a ""b"", c"\r\n`);
  // where a spreadsheet cuts at semicolons, and where it reads a sign in full width.
  const cells = [';=1+1', '\uff1d1+1', 'x;=1', 'a\n=2', '\t=3', '\uff20x', '5;6', 'a=1', 'x;-1'];
  const alone = { ...report, sheets: [{ title: 'S', columns: ['A'], rows: cells.map((cell) => [cell]) }] };
  const lines = write(alone, 'csv').split('\r\n').slice(6);
  expect(lines).toEqual([
    `";'=1+1"`,
    `'\uff1d1+1`,
    `"x;'=1"`,
    `"a\n'=2"`,
    `"'\t'=3"`,
    `'\uff20x`,
    '"5;6"',
    'a=1',
    `"x;'-1"`,
    '',
  ]);
  expect(write(report, 'html')).toContain('<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>');
});
