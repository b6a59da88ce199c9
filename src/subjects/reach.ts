import type { EntityManager } from 'typeorm';
import type { Access, RowRefusal } from '../governance/govern';
import { allCategories, type DataCategory } from '../governance/vocabulary';
import { denied, type RequestContext } from '../identity/request-context';
import { about, type SubjectState } from '../identity/subject-state';
import { own, sql, tenantSql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { Customer } from './customer';

/*
 * Whom a mutation may act on. One rule, decided on the very row by the row rule of reads:
 *
 * - A write of fields needs each of them readable, for the stated purpose, in the row as it is and as it would be. A new
 *   residency, moreover, must change nothing of what its writer may read: it neither opens a row nor loses one.
 * - An act about a person (restriction, objection and their end, erasure, legal hold) needs the person's id readable, but
 *   for a restriction or an objection: GDPR Art. 18 and 21 limit processing, not the person's rights nor the duties that
 *   such acts carry out. Nor is it barred where no residency was ever recorded: it gives nothing of the person, who could
 *   not be erased otherwise. Whom a filter finds, it tells of: there the row as it is has to give what is filtered by.
 * - Taking an objection back is a write: it opens what its writer may not read.
 * - Whoever is out of reach does not exist: refused and absent have one answer.
 */

/** A person as a mutation meets them, locked for the transaction. */
export interface Person extends SubjectState {
  readonly subject: string;
}

/** Whom a caller reaches, for the purpose that it states. */
export interface Reach {
  /** Why the row rule withholds data of these categories; undefined where it withholds none. */
  refusal(person: SubjectState, categories: Iterable<DataCategory>): RowRefusal | undefined;
  /** The same of somebody who might be: the ledger is told of nobody. */
  wouldRefuse(person: SubjectState, categories: Iterable<DataCategory>): RowRefusal | undefined;
  /** People of whom the rule may say otherwise than of others in their state. */
  readonly named: ReadonlySet<string>;
}

const nobody: ReadonlySet<string> = new Set();

/** An operator of the installation, who acts from its command line and for no caller. */
export const everybody: Reach = { refusal: () => undefined, wouldRefuse: () => undefined, named: nobody };

/** Whom the caller of a request reaches, for the purpose that it states unless another is meant. */
export function reachOf(context: RequestContext, purpose = context.decision?.purpose): Reach {
  const { row } = context.accessFor(purpose);
  const prospect = context.wouldBe?.(purpose);
  return { refusal: asking(row), wouldRefuse: asking(prospect?.row), named: prospect?.named ?? nobody };
}

/** Without a rule nobody is reached. */
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

/** The categories of fields of a customer; what is about nobody has none. The id is among them: a write names it. */
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
 * Whether an act about a person may be done.
 * @param foundBy fields of the customer by which the person was found: that is to read them, which a restriction bars too
 */
export const mayAct = (reach: Reach, person: SubjectState, foundBy: readonly string[] = []): boolean =>
  (foundBy.length === 0 || mayWrite(reach, person, categoriesOf(foundBy))) &&
  (person.residency === null ||
    reach.refusal({ ...person, restriction: null, objections: 0 }, categoriesOf([])) === undefined);

/** Whether another residency leaves what may be read of a person as it is: it opens nothing, and nothing is lost. */
export function mayMove(reach: Reach, person: SubjectState, residency: string | null): boolean {
  const moved = { ...person, residency };
  return allCategories.every((category) => {
    const before = reach.wouldRefuse(person, [category]) === undefined;
    return before === (reach.wouldRefuse(moved, [category]) === undefined);
  });
}

/** The answer about whoever is not there, and about whoever is out of reach. */
export const unreached = () => denied.notFound('customer');

/** Those of the client's people who are there, in the order of their ids, locked until the transaction ends. */
export async function lockPeople(manager: EntityManager, client: string, ids: readonly string[]): Promise<Person[]> {
  const wanted = new Set(ids.filter((id) => /^[\x21-\x7e]+$/.test(id)));
  if (wanted.size === 0) return [];
  const rowsOf = tenantSql(manager, client);
  const rows = await rowsOf.select<PersonRow>`SELECT ${personColumns} FROM customer
    WHERE ${own} AND id IN (${[...wanted]}) ORDER BY id${rowsOf.forUpdate}`;
  return rows.filter(({ id }) => wanted.has(id)).map(personOf);
}

/** What a mutation reads of a person to decide on it. */
export const personColumns = sql`id, residency, restriction, objection_mask`;

/** Those columns, as the driver gives them. */
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
 * Refuses an act about somebody who is there and out of reach; of whoever is not there any more only the records are.
 * @param id null where the act is about nobody in particular
 * @param what the answer says that there is none of
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
 * The person that an act is about, locked until the transaction ends.
 * @throws {GraphQLError} NOT_FOUND where the person is not there or out of reach
 */
export async function personToActOn(manager: EntityManager, client: string, id: string, reach: Reach): Promise<Person> {
  const [person] = await lockPeople(manager, client, [id]);
  if (!person || !mayAct(reach, person)) throw unreached();
  return person;
}
