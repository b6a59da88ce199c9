import type { GovernedCoordinate } from '../../governance/govern';
import { allPurposes, type DataCategory, type ProcessingPurpose } from '../../governance/vocabulary';
import { isInForce } from '../../identity/in-force';
import type { Permission } from '../../identity/rights';
import type { Agreement } from '../../register/agreement';
import type { Client } from '../../register/client';
import type { SubProcessor } from '../../register/sub-processor';
import type { AuditReader } from '../reader';
import type { Report, Sheet } from './report';

/** A transfer to a third country, as its approval says it. */
export interface DeclaredTransfer {
  readonly recipient: string;
  readonly country: string;
  readonly mechanism: string;
  readonly state: string;
  readonly categories: readonly string[];
}

/** What is declared of a client's processing, by the register, the schema, grants and approvals. */
export interface Declared {
  readonly client: Client;
  readonly agreements: readonly Agreement[];
  readonly subProcessors: readonly SubProcessor[];
  readonly applications: readonly string[];
  readonly permissions: readonly Permission[];
  readonly transfers: readonly DeclaredTransfer[];
  readonly coordinates: readonly GovernedCoordinate[];
}

interface Period {
  readonly from: Date;
  readonly to: Date;
}

interface Observed {
  clear: number;
  deidentified: number;
}

const PAGE = 500;

/** The processor's record of processing for one controller, GDPR Art. 30(2): what is declared, beside what was done. */
export async function processingRecord(
  reader: AuditReader,
  declared: Declared,
  period: Period,
  now: Date,
): Promise<Report> {
  const { client, agreements, subProcessors, applications, transfers } = declared;
  const observed = await observedIn(reader, client.id, declared.coordinates, period);
  return {
    title: 'Record of processing activities carried out on behalf of a controller',
    basis: 'GDPR Art. 30(2)',
    generatedAt: now,
    facts: [
      ['Controller', client.name],
      ['Client', client.slug],
      ['Country', client.country ?? 'not said'],
      ['Hosted in', client.region ?? 'no region in particular'],
      ['Applications installed', applications.join(', ') || 'none'],
      ['Observed from', period.from.toISOString()],
      ['Observed to', period.to.toISOString()],
    ],
    sheets: [
      processing(declared, observed, now.getTime()),
      {
        title: 'Transfers to third countries (Art. 30(2)(c))',
        columns: ['Recipient', 'Country', 'Mechanism', 'State', 'Categories'],
        rows: transfers.map((each) => [
          each.recipient,
          each.country,
          each.mechanism,
          each.state,
          each.categories.join(', '),
        ]),
      },
      {
        title: 'Sub-processors',
        columns: ['Name', 'Service', 'Country', 'Purposes', 'Categories'],
        rows: subProcessors.map(({ name, service, country, purposes, categories }) => [
          name,
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
      measures,
    ],
  };
}

/** Purpose by category: declared, done, and where the two differ. */
function processing(
  { permissions, coordinates }: Declared,
  observed: ReadonlyMap<string, Observed>,
  at: number,
): Sheet {
  const rows: string[][] = [];
  for (const purpose of allPurposes) {
    const mine = permissions.filter((each) => isInForce(each, at) && each.purposes.includes(purpose));
    for (const category of categoriesOf(coordinates)) {
      const by = mine.filter(({ categories }) => categories === null || categories.includes(category));
      const allowed = by.length > 0 && schemaAllows(coordinates, purpose, category);
      const seen = observed.get(`${purpose} ${category}`);
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
  [...new Set(coordinates.flatMap(({ category }) => category ?? []))].sort();

const schemaAllows = (
  coordinates: readonly GovernedCoordinate[],
  purpose: ProcessingPurpose,
  category: DataCategory,
): boolean =>
  coordinates.some(
    (each) => each.category === category && (each.allow.includes(purpose) || each.deidentify[purpose] !== undefined),
  );

/** Operations that gave something of a category, by purpose and category. */
async function observedIn(
  reader: AuditReader,
  client: string,
  coordinates: readonly GovernedCoordinate[],
  { from, to }: Period,
): Promise<Map<string, Observed>> {
  const categoryOf = new Map(coordinates.map(({ coordinate, category }) => [coordinate, category]));
  const observed = new Map<string, Observed>();
  let before: string | undefined;
  for (;;) {
    const entries = await reader.entries(client, { kind: 'ACCESS', from, to }, PAGE, before);
    for (const { purpose, coordinates: outcomes = {}, subjects = [] } of entries) {
      if (subjects.length === 0) continue;
      const clear = new Set<string>();
      const deidentified = new Set<string>();
      for (const [coordinate, outcome] of Object.entries(outcomes)) {
        const category = categoryOf.get(coordinate);
        if (category && outcome === 'CLEAR') clear.add(category);
        if (category && outcome === 'DEIDENTIFIED') deidentified.add(category);
      }
      for (const category of clear) of(purpose, category).clear++;
      for (const category of deidentified) of(purpose, category).deidentified++;
    }
    before = entries.at(-1)?.id;
    if (entries.length < PAGE) return observed;
  }

  function of(purpose: string | null | undefined, category: string): Observed {
    const key = `${purpose} ${category}`;
    const known = observed.get(key) ?? { clear: 0, deidentified: 0 };
    observed.set(key, known);
    return known;
  }
}

/** Art. 30(2)(d): a general description. */
const measures: Sheet = {
  title: 'Technical and organisational measures (Art. 30(2)(d), Art. 32)',
  columns: ['Measure', 'Description'],
  rows: [
    ['Access by purpose', 'Every field is decided by purpose, agreement and law before it is fetched.'],
    [
      'Encryption at rest',
      'AES-256-GCM under each person’s own key, wrapped by the client’s, wrapped by a master key.',
    ],
    ['Encryption in transit', 'TLS to the server and to its databases.'],
    ['Separation', 'Every row belongs to one client; keys are in a store apart from the data.'],
    ['Pseudonymisation', 'Keyed, stable within a client, for purposes that need no identity.'],
    ['Accountability', 'A signed, append-only ledger of every access and of every change to governance.'],
    ['Erasure', 'A person’s key is destroyed, which erases them from backups too.'],
  ],
};
