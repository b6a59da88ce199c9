import type { GovernedCoordinate } from '../../governance/govern';
import { allPurposes, type DataCategory, isCategory, type ProcessingPurpose } from '../../governance/vocabulary';
import type { Permission } from '../../identity/rights';
import { covers } from '../../law/validity';
import type { Agreement } from '../../register/agreement';
import type { Client } from '../../register/client';
import type { SubProcessor } from '../../register/sub-processor';
import type { Observed } from './observed';
import type { Report, Sheet } from './report';

/** A transfer to a third country that an approval declares, or that law permits without one. */
export interface DeclaredTransfer {
  /** With its name. */
  readonly recipient: string;
  readonly country: string;
  readonly mechanism: string;
  readonly state: string;
  readonly categories: readonly string[];
}

/** The processor, as the installation is configured (GDPR Art. 30(2)(a)). */
export interface Processor {
  readonly name?: string | undefined;
  readonly contact?: string | undefined;
  readonly representative?: string | undefined;
  readonly dataProtectionOfficer?: string | undefined;
}

/** Security facts gathered from the stores when a report is made. */
export interface Security {
  /** The ledger's state: whether it is sound, and up to when it was verified. */
  readonly ledger: string;
  /** A client's customers and users together, and the number of personal keys. */
  readonly people: number;
  readonly keys: number;
}

/** What the register, the schema, grants and approvals declare about a client's processing. */
export interface Declared {
  readonly processor: Processor;
  readonly client: Client;
  readonly agreements: readonly Agreement[];
  readonly subProcessors: readonly SubProcessor[];
  readonly applications: readonly string[];
  readonly permissions: readonly Permission[];
  readonly transfers: readonly DeclaredTransfer[];
  readonly coordinates: readonly GovernedCoordinate[];
}

/**
 * The processor's record of processing for one controller (GDPR Art. 30(2)): what is declared, beside what was
 * observed.
 */
export function processingRecord(
  declared: Declared,
  observed: Observed,
  security: Security,
  { from, to, now }: { from: Date; to: Date; now: Date },
): Report {
  const { processor, client, agreements, subProcessors, applications } = declared;
  const said = (text: string | null | undefined, where: string) => text || `NOT NAMED: ${where}`;
  return {
    title: 'Record of processing activities carried out on behalf of a controller',
    basis: 'GDPR Art. 30(2)',
    generatedAt: now,
    facts: [
      ['Processor', said(processor.name, 'PROCESSOR_NAME')],
      ['Processor’s contact', said(processor.contact, 'PROCESSOR_CONTACT')],
      ['Processor’s representative', processor.representative || 'none'],
      ['Processor’s data protection officer', said(processor.dataProtectionOfficer, 'PROCESSOR_DPO')],
      ['Controller', client.name],
      ['Controller’s representative', client.representative ?? 'none'],
      ['Controller’s data protection officer', said(client.dataProtectionOfficer, 'nameClientContacts')],
      ['Client', `${client.slug} (${client.id})`],
      ['Country', client.country ?? 'not said'],
      ['Hosted in', client.region ?? 'no region in particular'],
      ['Applications installed', applications.join(', ') || 'none'],
      ['Observed from', from.toISOString()],
      ['Observed to', to.toISOString()],
      ['Ledger', security.ledger],
    ],
    sheets: [
      processing(declared, observed, now.getTime()),
      transfersSheet(declared, observed),
      {
        title: 'Sub-processors',
        columns: ['Name', 'Service', 'Country', 'Purposes', 'Categories'],
        rows: subProcessors.map(({ name, slug, service, country, purposes, categories }) => [
          `${name} (${slug})`,
          service,
          country,
          purposes.join(', '),
          categories.join(', '),
        ]),
      },
      {
        title: 'Agreements',
        columns: ['Kind', 'Version', 'From', 'To', 'Purposes excluded'],
        rows: agreements.map(({ kind, version, effectiveFrom, effectiveTo, excludedPurposes }) => [
          kind,
          version,
          effectiveFrom.toISOString(),
          effectiveTo?.toISOString() ?? '',
          excludedPurposes.join(', '),
        ]),
      },
      measures(observed, security),
    ],
  };
}

/** Transfers abroad: those permitted by an approval or by adequacy, and those observed. */
function transfersSheet({ transfers }: Declared, { transfers: done }: Observed): Sheet {
  const declared = transfers.map(({ recipient, country, mechanism, state, categories }) => [
    recipient,
    country,
    mechanism,
    state,
    categories.join(', '),
    '',
    '',
    '',
  ]);
  const observed = done.map(({ recipient, country, basis, categories, operations, first, last }) => [
    recipient,
    country,
    basis,
    'OBSERVED',
    [...categories].sort().join(', '),
    String(operations),
    first,
    last,
  ]);
  return {
    title: 'Transfers to third countries (Art. 30(2)(c))',
    columns: ['Recipient', 'Country', 'Basis', 'State', 'Categories', 'Operations', 'First', 'Last'],
    rows: [...declared, ...observed],
  };
}

/** Purposes by category: declared, observed, and where the two differ. */
function processing({ permissions, coordinates }: Declared, { given }: Observed, at: number): Sheet {
  const rows: string[][] = [];
  for (const purpose of allPurposes) {
    const mine = permissions.filter((each) => covers(each, at) && each.purposes.includes(purpose));
    for (const category of categoriesOf(coordinates)) {
      const by = mine.filter(({ categories }) => categories === null || categories.includes(category));
      const allowed = by.length > 0 && schemaAllows(coordinates, purpose, category);
      const seen = given.get(`${purpose} ${category}`);
      if (!allowed && !seen) continue;
      const difference =
        allowed === (seen !== undefined) ? '' : allowed ? 'declared, not observed' : 'OBSERVED, NOT DECLARED';
      const titles = [...new Set(by.map(({ title }) => title.split(' ')[0] ?? ''))].join(', ');
      rows.push([
        purpose,
        category,
        allowed ? titles : '',
        String(seen?.clear ?? 0),
        String(seen?.deidentified ?? 0),
        difference,
      ]);
    }
  }
  return {
    title: 'Categories of processing (Art. 30(2)(b))',
    columns: ['Purpose', 'Category', 'Declared by', 'Operations in the clear', 'De-identified', 'Difference'],
    rows,
  };
}

const categoriesOf = (coordinates: readonly GovernedCoordinate[]): DataCategory[] =>
  [...new Set(coordinates.flatMap(({ category }) => (isCategory(category) ? category : [])))].sort();

const schemaAllows = (
  coordinates: readonly GovernedCoordinate[],
  purpose: ProcessingPurpose,
  category: DataCategory,
): boolean =>
  coordinates.some(
    (each) => each.category === category && (each.allow.includes(purpose) || each.deidentify[purpose] !== undefined),
  );

/**
 * Art. 30(2)(d): the security measures as observed in the period and in the stores. Nothing is claimed that was not
 * checked.
 */
function measures({ operations, deidentified, kinds, refused }: Observed, security: Security): Sheet {
  const count = (...names: string[]) => names.reduce((sum, name) => sum + (kinds.get(name) ?? 0), 0);
  const refusals = [...refused]
    .filter(([code]) => withholding.has(code))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, rows]) => `${code} ${rows}`);
  return {
    title: 'Technical and organisational measures (Art. 30(2)(d), Art. 32)',
    columns: ['Measure', 'Observed'],
    rows: [
      ['Access by purpose', `${operations} operations recorded; withheld: ${refusals.join(', ') || 'nothing'}`],
      ['Encryption at rest', `${security.keys} keys for ${security.people} people, each wrapped by the client’s own`],
      ['Pseudonymisation', `${deidentified} operations gave values in a form that does not identify`],
      ['Accountability', security.ledger],
      [
        'Governance',
        `${count('GRANT_GIVEN', 'GRANT_WITHDRAWN')} grants and ` +
          `${count('INSTRUCTION_GIVEN', 'INSTRUCTION_WITHDRAWN')} instructions given or withdrawn, ` +
          `${count('PROPOSED', 'PROPOSAL_CONFIRMED', 'PROPOSAL_REFUSED')} steps of acts ` +
          'that take two persons',
      ],
      [
        'Erasure',
        `${count('ERASURE_EXECUTED')} carried out, ${count('ERASURE_PARTLY')} in part, ` +
          `${count('ERASURE_FAILED')} failed ` +
          `and tried again, ${count('ERASURE_CANCELLED')} taken back; ${count('SUBJECT_KEY_DESTROYED')} keys destroyed`,
      ],
      ['Encryption in transit', 'not observed: TLS ends before the server'],
    ],
  };
}

/** The codes with which governance withholds data. */
const withholding = new Set([
  'AGREEMENT_REQUIRED',
  'PROCESSING_RESTRICTED',
  'PURPOSE_NOT_GRANTED',
  'PURPOSE_NOT_PERMITTED',
  'PURPOSE_REQUIRED',
  'SCOPE_REQUIRED',
  'TRANSFER_NOT_AUTHORIZED',
]);
