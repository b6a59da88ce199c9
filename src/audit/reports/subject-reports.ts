import type { GovernedCoordinate } from '../../governance/govern';
import { hipaaLookBack } from '../../law/deadlines';
import type { Client } from '../../register/client';
import type { AuditReader } from '../entries/reader';
import type { PartyNames } from './party-names';
import { type RecipientRecord, recipientRecords } from './recipient-records';
import type { Report } from './report';

interface Subject {
  readonly client: Pick<Client, 'id' | 'slug' | 'name'>;
  /** The data subject's id. */
  readonly subject: string;
  readonly names: PartyNames;
  /** The ledger's state. */
  readonly ledger: string;
}

/** GDPR Art. 15(1)(c), 19: every recipient of a person's data outside the client. */
export async function recipientsReport(
  reader: AuditReader,
  coordinates: readonly GovernedCoordinate[],
  { client, subject, names, ledger }: Subject,
  now: Date,
): Promise<Report> {
  const records = await recipientRecords(reader, coordinates, { client: client.id, subject, from: new Date(0) });
  return {
    title: 'Recipients of a person’s data',
    basis: 'GDPR Art. 15(1)(c), Art. 19',
    generatedAt: now,
    facts: [
      ['Client', `${client.name} (${client.slug}, ${client.id})`],
      ['Person', subject],
      ['Ledger', ledger],
    ],
    sheets: [sheetOf('Recipients', records, names)],
  };
}

/**
 * 45 CFR 164.528: disclosures of a person's protected health information in the past six years. Disclosures to business
 * associates, and for treatment, payment and operations, need no accounting (164.528(a)(1)(i)). They are included,
 * since only the client can judge what an access was for.
 */
export async function accountingReport(
  reader: AuditReader,
  coordinates: readonly GovernedCoordinate[],
  { client, subject, names, ledger }: Subject,
  now: Date,
): Promise<Report> {
  const from = new Date(now);
  from.setUTCFullYear(from.getUTCFullYear() - hipaaLookBack.period.years);
  const records = await recipientRecords(reader, coordinates, { client: client.id, subject, from, of: ['HEALTH'] });
  return {
    title: 'Accounting of disclosures',
    basis: '45 CFR 164.528',
    generatedAt: now,
    facts: [
      ['Client', `${client.name} (${client.slug}, ${client.id})`],
      ['Person', subject],
      ['From', from.toISOString().slice(0, 10)],
      ['To', now.toISOString().slice(0, 10)],
      ['Ledger', ledger],
    ],
    sheets: [sheetOf('Disclosures of health information', records, names)],
  };
}

const sheetOf = (title: string, records: readonly RecipientRecord[], names: PartyNames) => ({
  title,
  columns: ['Recipient', 'Kind', 'Purpose', 'Categories', 'First', 'Last', 'Times'],
  rows: records.map(({ recipient, kind, purpose, categories, first, last, times }) => [
    kind === 'AUTHORITY_OR_PARTY' ? recipient : names.of(recipient),
    kind,
    purpose,
    [...categories].sort().join(', '),
    first,
    last,
    String(times),
  ]),
});
