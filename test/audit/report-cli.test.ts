import { tmpdir } from 'node:os';
import { parse } from 'csv-parse/sync';
import type { Asker } from '../support/app';
import { remitHere } from '../support/command';
import { databases, type TestDatabase } from '../support/databases';
import { type AuditedServer, fill, openAuditedServer } from './audited-server';

// Each report is a process of its own.
jest.setTimeout(120_000);

const insurer = 'Insurer <East> & "Sons", Leipzig';
const when = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

describe.each(databases)('remit audit report on $name', ({ create }) => {
  let database: TestDatabase;
  let server: AuditedServer;
  let person: string;
  let stranger: string;

  beforeAll(async () => {
    database = await create();
    server = await openAuditedServer(database);
    const acme = await fill(server, 'acme', 2);
    [person = '', stranger = ''] = acme.ids;
    const { clients, parties, disclosures, ledger } = server.app.services;
    await clients.sign(acme.id, { kind: 'HEALTH', version: '1' }, 'test');
    const { id: applicationId } = await parties.registerApplication({
      slug: 'mailer',
      name: 'Mailer',
      publisher: 'Mailer GmbH',
      country: 'DE',
      scopes: ['customers:read'],
      privacyNoticeVersion: '1',
      privacyNoticeUrl: 'https://publisher.example/privacy',
    });
    const installation = { applicationId, acceptedNoticeVersion: '1', purposes: ['SERVICE_DELIVERY' as const] };
    await parties.install(acme.id, installation, 'test');
    const partner: Asker = { role: 'PARTNER', client: 'acme', subject: 'mailer', scopes: ['customers:read'] };
    const read = `{ customer(id: "${person}") { firstName email } }`;
    for (let times = 0; times < 2; times++) await server.post(partner, 'SERVICE_DELIVERY', read);
    await server.post({ role: 'CLIENT_AGENT', client: 'acme' }, 'SUPPORT', read);
    const disclosure = await disclosures.request(
      acme.id,
      {
        recipient: insurer,
        legalBasis: '45 CFR 164.512(e)',
        reference: 'case 7',
        scope: 'records of 2026',
        categories: ['HEALTH'],
        customerIds: [person],
      },
      'one',
    );
    await disclosures.approve(acme.id, disclosure.id, 'two');
    await ledger.close();
  });

  afterAll(async () => {
    await server.close();
    await database.drop();
  });

  const run = (...words: string[]) => remitHere(['audit', 'report', ...words], { cwd: tmpdir(), env: server.app.env });

  /** What a report prints, for acme. */
  async function report(kind: string, ...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(kind, '--client', 'acme', ...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  }

  test('GDPR Art. 30(2) in JSON: what is declared beside what was done, in the period asked for', async () => {
    const { basis, facts, sheets } = JSON.parse(await report('processing-record'));
    expect(basis).toBe('GDPR Art. 30(2)');
    expect(facts).toMatchObject({
      Controller: 'CANARY-company-acme',
      Client: expect.stringMatching(/^acme \(/),
      'Applications installed': 'Mailer (mailer)',
    });
    const processing = 'Categories of processing (Art. 30(2)(b))';
    const name = {
      Purpose: 'SUPPORT',
      Category: 'NAME',
      'Declared by': 'grant',
      'Operations in the clear': '1',
      'De-identified': '0',
      Difference: '',
    };
    expect(sheets[processing]).toContainEqual(name);
    expect(sheets.Agreements).toContainEqual(expect.objectContaining({ Kind: 'HEALTH', Version: '1', From: when }));

    const past = JSON.parse(await report('processing-record', '--from', '2020-01-01', '--to', '2020-02-01'));
    expect(past.facts['Observed to']).toBe('2020-02-01T00:00:00.000Z');
    expect(past.sheets[processing]).toContainEqual({
      ...name,
      'Operations in the clear': '0',
      Difference: 'declared, not observed',
    });
  });

  test('45 CFR 164.528 in CSV: the disclosures of one person’s health information', async () => {
    const text = await report('accounting-of-disclosures', '--customer', person, '--format', 'csv');
    const lines: string[][] = parse(text, { relax_column_count: true, record_delimiter: '\r\n' });
    expect(lines.slice(0, 2)).toEqual([['Accounting of disclosures'], ['45 CFR 164.528']]);
    expect(lines).toContainEqual(['Person', person]);
    const head = lines.findIndex(([first]) => first === 'Recipient');
    expect(lines.slice(head)).toEqual([
      ['Recipient', 'Kind', 'Purpose', 'Categories', 'First', 'Last', 'Times'],
      [insurer, 'AUTHORITY_OR_PARTY', 'LEGAL', 'HEALTH', when, when, '1'],
    ]);
  });

  test('GDPR Art. 19 in HTML: a person’s recipients, and none of another’s', async () => {
    const page = await report('recipients', '--customer', person, '--format', 'html');
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    const rows = [...page.matchAll(/<tr><td>(.*?)<\/td><\/tr>/g)].map(([, cells]) => cells?.split('</td><td>'));
    expect(rows).toEqual([
      [
        'Mailer (mailer)',
        'THIRD_PARTY_APPLICATION',
        'SERVICE_DELIVERY',
        'CONTACT, NAME, ONLINE_IDENTIFIER',
        when,
        when,
        '2',
      ],
      [
        'Insurer &lt;East&gt; &amp; &quot;Sons&quot;, Leipzig',
        'AUTHORITY_OR_PARTY',
        'LEGAL',
        'HEALTH',
        when,
        when,
        '1',
      ],
    ]);
    const none = await report('recipients', '--customer', stranger, '--format', 'html');
    expect(none).toContain('<p>None.</p>');
    expect(none).not.toContain('mailer');
  });

  test('what it is called with wrongly is said, and nothing is written', async () => {
    const attempts: Array<[string[], number, string]> = [
      [['everything', '--client', 'acme'], 2, 'processing-record, accounting-of-disclosures, recipients'],
      [['recipients', '--client', 'acme', '--customer', person, '--format', 'pdf'], 2, 'json, csv, html'],
      [['processing-record', '--client', 'acme', '--from', 'yesterday'], 2, 'Write a day such as 2026-11-01'],
      [['processing-record', '--client', 'nobody'], 1, 'there is no client "nobody"'],
      [['processing-record', '--client', 'acme', '--from', '2026-02-30'], 2, 'Write a day such as 2026-11-01'],
      [['recipients', '--client', 'acme'], 2, 'this report is about one person: give --customer'],
    ];
    for (const [words, code, message] of attempts) {
      const ran = await run(...words);
      expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
    }
  });
});
