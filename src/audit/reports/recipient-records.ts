import type { GovernedCoordinate } from '../../governance/govern';
import { listIn } from '../../storage/lists';
import type { AuditReader } from '../entries/reader';
import type { AuditEntry } from '../log/entry';

export type OutsideKind = 'THIRD_PARTY_APPLICATION' | 'SUB_PROCESSOR' | 'PLATFORM_STAFF' | 'AUTHORITY_OR_PARTY';

/** All that one recipient got of one person for one purpose. */
export interface RecipientRecord {
  readonly kind: OutsideKind;
  readonly recipient: string;
  readonly purpose: string;
  readonly categories: ReadonlySet<string>;
  readonly first: string;
  readonly last: string;
  readonly times: number;
}

const PAGE = 500;
const kinds: ReadonlyArray<readonly [role: string, kind: OutsideKind]> = [
  ['PARTNER', 'THIRD_PARTY_APPLICATION'],
  ['SUB_PROCESSOR', 'SUB_PROCESSOR'],
  ['PLATFORM_STAFF', 'PLATFORM_STAFF'],
  ['PLATFORM_PRIVACY_OFFICER', 'PLATFORM_STAFF'],
];
const disclosed = new Set(['DISCLOSURE_MADE', 'DISCLOSURE_TOLD']);

/**
 * Who outside the client got a person's data, from the ledger: repeated accesses of one recipient for one purpose are
 * one line with its first, its last and their number (45 CFR 164.528(b)(3)).
 * @param of only what holds one of these categories; all where none is given
 */
export async function recipientRecords(
  reader: AuditReader,
  coordinates: readonly GovernedCoordinate[],
  { client, subject, from, of }: { client: string; subject: string; from: Date; of?: readonly string[] },
): Promise<RecipientRecord[]> {
  const categoryOf = new Map(coordinates.map(({ coordinate, category }) => [coordinate, category ?? undefined]));
  const records = new Map<string, RecipientRecord>();
  let before: string | undefined;
  for (;;) {
    const entries = await reader.entries(client, { subject, from }, PAGE, before);
    for (const entry of entries) {
      const got = await recordIn(reader, entry, categoryOf);
      if (!got || (of && !of.some((category) => got.categories.has(category)))) continue;
      const key = [got.kind, got.recipient, got.purpose].join('\n');
      records.set(key, merged(records.get(key), got));
    }
    before = entries.at(-1)?.id;
    if (entries.length < PAGE) return [...records.values()].sort((a, b) => (a.first < b.first ? -1 : 1));
  }
}

async function recordIn(
  reader: AuditReader,
  entry: AuditEntry,
  categoryOf: ReadonlyMap<string, string | undefined>,
): Promise<RecipientRecord | undefined> {
  const { time, details } = entry;
  const when = { first: time, last: time, times: 1 };
  if (disclosed.has(entry.kind)) {
    const categories = new Set(listIn(details?.categories));
    const recipient = String(details?.recipient ?? 'not said');
    return { kind: 'AUTHORITY_OR_PARTY', recipient, purpose: 'LEGAL', categories, ...when };
  }
  const kind = kinds.find(([role]) => entry.roles?.includes(role))?.[1];
  if (entry.kind !== 'ACCESS' || !kind) return undefined;
  const given = Object.entries(entry.coordinates ?? {}).filter(([, outcome]) => outcome !== 'WITHHELD');
  const categories = new Set(given.flatMap(([coordinate]) => categoryOf.get(coordinate) ?? []));
  if (categories.size === 0) return undefined;
  const recipient = (await reader.nameOf(entry)) ?? 'not known any more';
  return { kind, recipient, purpose: entry.purpose ?? '', categories, ...when };
}

/** Entries come newest first. */
const merged = (known: RecipientRecord | undefined, got: RecipientRecord): RecipientRecord =>
  known
    ? {
        ...known,
        categories: new Set([...known.categories, ...got.categories]),
        first: got.first,
        times: known.times + 1,
      }
    : got;
