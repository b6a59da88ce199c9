import type { DataSource } from 'typeorm';
import type { KeyStore } from '../../keys/key-store';
import type { DecidedRow } from '../../storage/decided-row';
import type { Regions } from '../../storage/regions';
import { UNDER_ERASURE } from '../../tenancy/fence';
import { acrossClients, limitOf, own, tenantSql } from '../../tenancy/tenant-sql';
import type { References } from '../recording/references';
import type { Decisions } from './decided';

export interface PersonFinding {
  readonly problem: 'UNDECIDED' | 'DIFFERS' | 'KEY';
  readonly client: string;
  readonly customer: string;
  readonly entry: string | null;
  readonly message: string;
  /** The person's row as found, for an operator to accept; undefined where nothing can be accepted. */
  readonly now: DecidedRow | undefined;
}

interface PeopleParts {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly references: References;
}

interface Person {
  readonly client_id: string;
  readonly id: string;
  readonly restriction: string | null;
  readonly residency: string | null;
}

const PAGE = 1_000;

/** Compares people's restrictions and residencies with what was decided, and with erasures under way. */
export async function verifyPeople(
  parts: PeopleParts,
  decisions: Decisions,
): Promise<{ people: number; findings: PersonFinding[] }> {
  const findings: PersonFinding[] = [];
  let people = 0;
  for (const source of parts.regions.all()) {
    for (let after: Pick<Person, 'client_id' | 'id'> = { client_id: '', id: '' }; ; ) {
      const page = await pageOf(source, after);
      people += page.length;
      for (const [client, persons] of byClient(page)) {
        findings.push(...(await ofClient(source, parts, decisions, client, persons)));
      }
      const last = page.at(-1);
      if (!last || page.length < PAGE) break;
      after = last;
    }
  }
  return { people, findings };
}

async function ofClient(
  source: DataSource,
  { keys, references }: PeopleParts,
  decisions: Decisions,
  client: string,
  persons: readonly Person[],
): Promise<PersonFinding[]> {
  const erased = await underErasure(source, client, persons);
  const rows = persons.map(({ id, restriction, residency }): DecidedRow => {
    return { table: 'customer', row: '', columns: { restriction, residency }, subject: id };
  });
  const kept = await references.decisionsOf(client, rows);
  const unnamed = persons.filter((_, index) => kept[index] === undefined).map(({ id }) => id);
  const damaged = await keys.damagedAmong(client, unnamed);
  return persons.flatMap(({ id: customer, restriction, residency }, index) => {
    const is = kept[index];
    const finding = (problem: PersonFinding['problem'], entry: string | null, message: string) => ({
      problem,
      client,
      customer,
      entry,
      message,
      now: problem === 'KEY' || restriction === UNDER_ERASURE || erased.has(customer) ? undefined : rows[index],
    });
    if (damaged.has(customer)) return finding('KEY', null, 'its key was altered, or is another person’s');
    if (!is) return [];
    const columns = decisions.find('customer', is.row)?.columns;
    const residence = columns?.get('residency');
    // An erasure removes the residency. That opens nothing: data of a person without one crosses no border.
    const isOther = residency !== null && residence && residence.value !== (is.columns?.residency ?? null);
    if (isOther && !decisions.isImportedAfter(client, residence.entry)) {
      return finding('DIFFERS', residence.entry, 'its residency is not what was decided');
    }
    const isWithheld = restriction === UNDER_ERASURE;
    if (isWithheld && erased.has(customer)) return [];
    if (erased.has(customer)) return finding('DIFFERS', null, 'its erasure is under way, and it is not withheld');
    if (isWithheld) return finding('UNDECIDED', null, 'it is withheld for an erasure that nobody asked for');
    const decided = columns?.get('restriction');
    if ((decided?.value ?? null) === (is.columns?.restriction ?? null)) return [];
    const problem = decided ? 'DIFFERS' : 'UNDECIDED';
    return finding(problem, decided?.entry ?? null, 'its restriction is not what was decided');
  });
}

/** People with an open request for full erasure. */
async function underErasure(source: DataSource, client: string, persons: readonly Person[]): Promise<Set<string>> {
  const ids = persons.map(({ id }) => id);
  const rows = await tenantSql(source, client).select<{ customer_id: string }>`
    SELECT customer_id FROM erasure_request WHERE ${own} AND customer_id IN (${ids})
    AND categories IS NULL AND status NOT IN ('CANCELLED', 'COMPLETED')`;
  return new Set(rows.map((row) => row.customer_id));
}

function byClient(page: readonly Person[]): Map<string, Person[]> {
  const groups = new Map<string, Person[]>();
  for (const person of page) groups.set(person.client_id, [...(groups.get(person.client_id) ?? []), person]);
  return groups;
}

function pageOf(source: DataSource, { client_id: client, id }: Pick<Person, 'client_id' | 'id'>): Promise<Person[]> {
  return acrossClients(source).select<Person>`SELECT client_id, id, restriction, residency FROM customer
    WHERE client_id > ${client} OR (client_id = ${client} AND id > ${id})
    ORDER BY client_id, id LIMIT ${limitOf(PAGE)}`;
}
