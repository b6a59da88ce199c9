import type { GovernedCoordinate } from '../../governance/govern';
import type { AuditReader } from '../reader';
import { type Receipt, receiptsOf } from './recipients';
import type { Report } from './report';

interface Subject {
  readonly client: string;
  /** The data subject's id. */
  readonly subject: string;
}

/** GDPR Art. 15(1)(c), 19: everybody outside the client that a person's data was given to. */
export async function recipientsReport(
  reader: AuditReader,
  coordinates: readonly GovernedCoordinate[],
  { client, subject }: Subject,
  now: Date,
): Promise<Report> {
  const receipts = await receiptsOf(reader, coordinates, { client, subject, from: new Date(0) });
  return {
    title: 'Recipients of a person’s data',
    basis: 'GDPR Art. 15(1)(c), Art. 19',
    generatedAt: now,
    facts: [
      ['Client', client],
      ['Person', subject],
    ],
    sheets: [sheetOf('Recipients', receipts)],
  };
}

const ACCOUNTING_YEARS = 6;

/**
 * 45 CFR 164.528: disclosures of a person's protected health information in the six years before. Disclosures to business
 * associates and for treatment, payment and operations need no accounting (164.528(a)(1)(i)); they are left in, since what
 * an access was for is the client's to judge.
 */
export async function accountingReport(
  reader: AuditReader,
  coordinates: readonly GovernedCoordinate[],
  { client, subject }: Subject,
  now: Date,
): Promise<Report> {
  const from = new Date(now);
  from.setUTCFullYear(from.getUTCFullYear() - ACCOUNTING_YEARS);
  const receipts = await receiptsOf(reader, coordinates, { client, subject, from, of: ['HEALTH'] });
  return {
    title: 'Accounting of disclosures',
    basis: '45 CFR 164.528',
    generatedAt: now,
    facts: [
      ['Client', client],
      ['Person', subject],
      ['From', from.toISOString().slice(0, 10)],
      ['To', now.toISOString().slice(0, 10)],
    ],
    sheets: [sheetOf('Disclosures of health information', receipts)],
  };
}

const sheetOf = (title: string, receipts: readonly Receipt[]) => ({
  title,
  columns: ['Recipient', 'Kind', 'Purpose', 'Categories', 'First', 'Last', 'Times'],
  rows: receipts.map(({ recipient, kind, purpose, categories, first, last, times }) => [
    recipient,
    kind,
    purpose,
    [...categories].sort().join(', '),
    first,
    last,
    String(times),
  ]),
});
