import type { GovernedCoordinate } from '../../governance/govern';
import { type Role, sideOf } from '../../identity/caller';
import type { AuditReader } from '../entries/reader';
import type { AuditEntry } from '../log/entry';
import type { PartyNames } from './party-names';

/** How many operations gave data of a category for a purpose. */
interface Given {
  clear: number;
  deidentified: number;
}

/** A legal basis that carried data to one recipient in one country. */
export interface ObservedTransfer {
  readonly recipient: string;
  readonly country: string;
  readonly basis: string;
  readonly categories: ReadonlySet<string>;
  readonly operations: number;
  readonly first: string;
  readonly last: string;
}

/** What happened in a period, according to the ledger. */
export interface Observed {
  /** By purpose and category, joined by a space. */
  readonly given: ReadonlyMap<string, Given>;
  readonly transfers: readonly ObservedTransfer[];
  readonly operations: number;
  /** Operations that gave de-identified values. */
  readonly deidentified: number;
  /** Entries by kind. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Rows and fields that were refused, by the code of the refusal. */
  readonly refused: ReadonlyMap<string, number>;
}

interface Period {
  readonly from: Date;
  readonly to: Date;
}

const PAGE = 500;

/** Summarises a period of a client's entries in one pass. */
export async function observe(
  reader: AuditReader,
  client: string,
  coordinates: readonly GovernedCoordinate[],
  names: PartyNames,
  { from, to }: Period,
): Promise<Observed> {
  const categoryOf = new Map(coordinates.map(({ coordinate, category }) => [coordinate, category]));
  const given = new Map<string, Given>();
  const transfers = new Map<string, ObservedTransfer>();
  const kinds = new Map<string, number>();
  const refused = new Map<string, number>();
  let deidentified = 0;
  let before: string | undefined;
  for (;;) {
    const entries = await reader.entries(client, { from, to }, PAGE, before);
    for (const entry of entries) {
      add(kinds, entry.kind, 1);
      if (entry.kind !== 'ACCESS') continue;
      for (const [code, rows] of Object.entries(entry.codes ?? {})) add(refused, code, rows);
      const outcomes = categoriesIn(entry, categoryOf);
      if (outcomes.deidentified.size > 0) deidentified++;
      for (const category of outcomes.clear) of(entry, category).clear++;
      for (const category of outcomes.deidentified) of(entry, category).deidentified++;
      await transferred(entry, new Set([...outcomes.clear, ...outcomes.deidentified]));
    }
    before = entries.at(-1)?.id;
    if (entries.length < PAGE) break;
  }
  const operations = kinds.get('ACCESS') ?? 0;
  return { given, transfers: [...transfers.values()], operations, deidentified, kinds, refused };

  function of({ purpose }: AuditEntry, category: string): Given {
    const key = `${purpose} ${category}`;
    const known = given.get(key) ?? { clear: 0, deidentified: 0 };
    given.set(key, known);
    return known;
  }

  async function transferred(entry: AuditEntry, categories: ReadonlySet<string>): Promise<void> {
    for (const basis of categories.size > 0 ? (entry.transferBases ?? []) : []) {
      const recipient = await recipientOf(reader, entry, names);
      const country = entry.country ?? 'not said';
      const key = [recipient, country, basis].join('\n');
      const known = transfers.get(key);
      transfers.set(key, {
        recipient,
        country,
        basis,
        categories: new Set([...(known?.categories ?? []), ...categories]),
        operations: (known?.operations ?? 0) + 1,
        // Entries come newest first.
        first: entry.time,
        last: known?.last ?? entry.time,
      });
    }
  }
}

const add = (counts: Map<string, number>, name: string, more: number) =>
  counts.set(name, (counts.get(name) ?? 0) + more);

/** The categories that an operation gave, in the clear and de-identified. */
function categoriesIn(
  { coordinates = {}, subjects = [] }: AuditEntry,
  categoryOf: ReadonlyMap<string, string | null | undefined>,
): { clear: Set<string>; deidentified: Set<string> } {
  const clear = new Set<string>();
  const deidentified = new Set<string>();
  if (subjects.length === 0) return { clear, deidentified };
  for (const [coordinate, outcome] of Object.entries(coordinates)) {
    const category = categoryOf.get(coordinate);
    if (category && outcome === 'CLEAR') clear.add(category);
    if (category && outcome === 'DEIDENTIFIED') deidentified.add(category);
  }
  return { clear, deidentified };
}

/** Third parties by name; the client's and the platform's people only by side. */
async function recipientOf(reader: AuditReader, entry: AuditEntry, names: PartyNames): Promise<string> {
  switch (sideOf((entry.roles ?? []) as readonly Role[])) {
    case 'CLIENT':
      return 'the client’s own people and apps';
    case 'PLATFORM':
      return 'the platform’s staff';
    default:
      return names.of((await reader.nameOf(entry)) ?? 'not known any more');
  }
}
