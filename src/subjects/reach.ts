import type { EntityManager } from 'typeorm';
import type { Access, RowRefusal } from '../governance/govern';
import { allCategories, type DataCategory } from '../governance/vocabulary';
import { denied, type RequestContext } from '../identity/request-context';
import { about, type SubjectState } from '../identity/subject-state';
import { own, sql, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { Customer } from './customer';

/*
 * Which people a mutation may act on. The row rule of reads decides on the person's own row:
 *
 * - To write fields, the caller must be able to read each of them for the stated purpose, before and after the change.
 *   A new residency must not change what its writer may read: it neither opens a row nor closes one.
 * - To act about a person (restrict, object and their end, erase, hold), the caller must be able to read the person's
 *   id. A restriction or an objection does not stop such an act: GDPR Art. 18 and 21 limit processing, not the person's
 *   rights or the duties behind the act. Nor does a residency that was never recorded: the act reveals nothing, and
 *   otherwise the person could not be erased. People that a filter found must be readable by its fields, since the
 *   result tells.
 * - To withdraw an objection is a write: it opens data to its writer.
 * - A person out of reach gets the same answer as one who does not exist.
 */

/** A person, locked for the transaction of a mutation. */
export interface Person extends SubjectState {
  readonly subject: string;
}

/** The people that a caller reaches for its stated purpose. */
export interface Reach {
  /** Why the row rule withholds these categories; undefined where it withholds none. */
  refusal(person: SubjectState, categories: Iterable<DataCategory>): RowRefusal | undefined;
  /** The same for a hypothetical person, without an entry in the ledger. */
  wouldRefuse(person: SubjectState, categories: Iterable<DataCategory>): RowRefusal | undefined;
  /** People for whom the rule may decide differently than for others in the same state. */
  readonly named: ReadonlySet<string>;
}

const nobody: ReadonlySet<string> = new Set();

/** The reach of an operator at the command line, without a caller. */
export const everybody: Reach = { refusal: () => undefined, wouldRefuse: () => undefined, named: nobody };

/** The reach of a request's caller, for its stated purpose or a given one. */
export function reachOf(context: RequestContext, purpose = context.decision?.purpose): Reach {
  const { row } = context.accessFor(purpose);
  const prospect = context.wouldBe?.(purpose);
  return { refusal: asking(row), wouldRefuse: asking(prospect?.row), named: prospect?.named ?? nobody };
}

/** Without a rule the caller reaches nobody. */
const asking =
  (rule: Access['row']): Reach['refusal'] =>
  (person, categories) => {
    if (!rule) return 'PROCESSING_RESTRICTED';
    const row = about({}, person);
    for (const category of categories) {
      const refusal = rule(row, 'Customer', category);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  };

/** The categories of a customer's fields. That of the id is always included, since a write names it. */
export function categoriesOf(fields: Iterable<string>): Set<DataCategory> {
  const known = tableOf(Customer).fields;
  const categories = new Set<DataCategory>();
  for (const field of ['id', ...fields]) {
    const category = known.get(field)?.personal?.category;
    if (category) categories.add(category);
  }
  return categories;
}

/** Whether these fields of a person may be written. */
export const mayWrite = (reach: Reach, person: SubjectState, categories: Iterable<DataCategory>): boolean =>
  reach.refusal(person, categories) === undefined;

/**
 * Whether a caller may act about a person.
 * @param foundBy the fields that found the person: this reads them, so a restriction bars it too
 */
export const mayAct = (reach: Reach, person: SubjectState, foundBy: readonly string[] = []): boolean =>
  (foundBy.length === 0 || mayWrite(reach, person, categoriesOf(foundBy))) &&
  (person.residency === null ||
    reach.refusal({ ...person, restriction: null, objections: 0 }, categoriesOf([])) === undefined);

/** Whether a new residency leaves what the caller may read of a person unchanged. */
export function mayMove(reach: Reach, person: SubjectState, residency: string | null): boolean {
  const moved = { ...person, residency };
  return allCategories.every((category) => {
    const before = reach.wouldRefuse(person, [category]) === undefined;
    return before === (reach.wouldRefuse(moved, [category]) === undefined);
  });
}

/** The answer for a person who does not exist or is out of reach. */
export const unreached = () => denied.notFound('customer');

/** The existing ones of these people in the order of their ids, locked until the transaction ends. */
export async function lockPeople(manager: EntityManager, client: string, ids: readonly string[]): Promise<Person[]> {
  const wanted = new Set(ids.filter((id) => /^[\x21-\x7e]+$/.test(id)));
  if (wanted.size === 0) return [];
  const rowsOf = tenantSql(manager, client);
  const rows = await rowsOf.select<PersonRow>`SELECT ${personColumns} FROM customer
    WHERE ${own} AND id IN (${[...wanted]}) ORDER BY id${rowsOf.forUpdate}`;
  return rows.filter(({ id }) => wanted.has(id)).map(personOf);
}

/** The columns that decide on a person. */
export const personColumns = sql`id, residency, restriction, objection_mask`;

/** Those columns as the driver returns them. */
export interface PersonRow {
  readonly id: string;
  readonly residency: string | null;
  readonly restriction: string | null;
  readonly objection_mask: number | null;
}

export const personOf = ({ id, residency, restriction, objection_mask: mask }: PersonRow): Person => ({
  subject: id,
  residency,
  restriction,
  objections: Number(mask ?? 0),
});

/**
 * Refuses to act about an existing person out of reach. A person who no longer exists has only records left.
 * @param id null where the act is about no particular person
 * @param what the thing that the answer says does not exist
 * @throws {GraphQLError} NOT_FOUND
 */
export async function requireReached(
  manager: EntityManager,
  client: string,
  id: string | null,
  reach: Reach,
  what: string,
): Promise<void> {
  const [person] = id === null ? [] : await lockPeople(manager, client, [id]);
  if (person && !mayAct(reach, person)) throw denied.notFound(what);
}

/**
 * The person to act about, locked until the transaction ends.
 * @throws {GraphQLError} NOT_FOUND where the person does not exist or is out of reach
 */
export async function personToActOn(manager: EntityManager, client: string, id: string, reach: Reach): Promise<Person> {
  const [person] = await lockPeople(manager, client, [id]);
  if (!person || !mayAct(reach, person)) throw unreached();
  return person;
}
