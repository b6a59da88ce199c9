import type { CellField, Decision, RowCells } from '../governance/govern';
import type { ProcessingPurpose } from '../governance/vocabulary';
import type { IdentifierKind } from '../identifiers/kind';
import { objectedPurposes } from '../identity/objections';
import { denied } from '../identity/request-context';
import { about, type SubjectState } from '../identity/subject-state';
import { soughtIndexes } from '../keys/blind-index';
import type { KeyStore } from '../keys/key-store';
import type { Regions } from '../storage/regions';
import type { Condition } from '../tenancy/conditions';
import { columnsFor, type SelectedColumns } from '../tenancy/stored-cells';
import { TenantReader } from '../tenancy/tenant-reader';
import { tableOf } from '../tenancy/tenant-table';
import { Customer } from './customer';
import { filterConditions } from './customer-filter';
import type { CustomerFilter, CustomerLookup } from './customer-inputs';
import { matching } from './matching';
import type { Reach } from './reach';
import { fieldsAskedBy, mayMatch } from './withheld-matches';

/** The most rows that a look-up by one identifier reads. */
export const MOST_ALIKE = 1_000;

/** The fields that decide on a row. Every read of a customer includes them. */
export const decisive = ['restriction', 'objectionMask', 'residency'] as const;
const statedFields = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

function withState(fields: ReadonlySet<string>): ReadonlySet<string> {
  const known = statedFields.get(fields);
  if (known) return known;
  const stated = new Set([...fields, ...decisive]);
  statedFields.set(fields, stated);
  return stated;
}

/** A customer's row as its cells, marked with the state that decides on it. */
export class CustomerCells {
  readonly cells: RowCells;
  readonly #columns: SelectedColumns;

  constructor(columns: SelectedColumns, cells: RowCells) {
    this.#columns = columns;
    this.cells = cells;
    about(
      this,
      stateIn((name) => columns.value(cells, name)),
    );
  }

  get id(): string {
    return String(this.#columns.value(this.cells, 'id'));
  }

  /** The row for resolvers. */
  customer(): Customer {
    const row = this.#columns.rowOf(this.cells);
    const state = stateIn((name) => row[name]);
    row.objections = objectionsIn(state.objections);
    if (typeof row.postalAddress === 'object' && row.postalAddress !== null) about(row.postalAddress, state);
    return about(row, state) as unknown as Customer;
  }
}

/** The state of the person in a customer's row. */
export const stateIn = (read: (name: string) => unknown): SubjectState & { readonly subject: string } => ({
  subject: String(read('id')),
  restriction: (read('restriction') ?? null) as string | null,
  objections: Number(read('objectionMask') ?? 0),
  residency: (read('residency') ?? null) as string | null,
});

const noObjections: readonly ProcessingPurpose[] = [];
const objectionsIn = (mask: number) => (mask === 0 ? noObjections : objectedPurposes(mask));

/** How the fields that a decision lets read stand in the cells of a customer. */
export function customerFields(decision: Decision): (name: string) => CellField | undefined {
  const columns = columnsFor(tableOf(Customer), withState(decision.readable('Customer')));
  const objections: CellField = {
    value: (cells) => objectionsIn(Number(columns.value(cells, 'objectionMask') ?? 0)),
  };
  return (name) => (name === 'objections' ? objections : columns.cell(name));
}

/** Finds customers of clients. Only permitted fields are fetched. */
export class CustomerReads {
  readonly #regions: Regions;
  readonly #keys: KeyStore;

  constructor(regions: Regions, keys: KeyStore) {
    this.#regions = regions;
    this.#keys = keys;
  }

  async find(client: string, id: string, fields: ReadonlySet<string>): Promise<CustomerCells | undefined> {
    if (id === '') return undefined;
    const [customer] = await this.#select(client, fields, [{ field: 'id', is: '=', value: id }], 1);
    return customer;
  }

  /**
   * All customers with an identifier in any spelling, oldest first. A placeholder finds nobody.
   * @throws {GraphQLError} BAD_USER_INPUT unless exactly one look-up is given
   */
  async lookup(client: string, by: CustomerLookup, fields: ReadonlySet<string>): Promise<CustomerCells[]> {
    const given = Object.entries(by).filter(([, value]) => value !== null && value !== undefined) as Array<
      [IdentifierKind, string]
    >;
    const [only, another] = given;
    if (!only || another) throw denied.input('"by" takes exactly one of email, phone, socialHandle and externalId.');
    const [kind, value] = only;
    const digests = soughtIndexes(await this.#keys.derivedKeys(client, 'blind-index'), { kind, value });
    if (digests.length === 0) return [];
    return this.#select(client, fields, [{ index: kind, is: 'in', value: digests }], MOST_ALIKE);
  }

  /** Customers after an id, oldest first. */
  list(
    client: string,
    filter: CustomerFilter | null | undefined,
    limit: number,
    after: string | undefined,
    fields: ReadonlySet<string>,
    narrowing: readonly Condition[] = [],
  ): Promise<CustomerCells[]> {
    const where: Condition[] = [
      ...(after === undefined ? [] : [{ field: 'id', is: '>', value: after } as const]),
      ...narrowing,
      ...filterConditions(filter),
    ];
    return this.#select(client, fields, where, limit);
  }

  /**
   * Like {@link list}, but only customers who may be shown to match the filter. The select itself leaves out people
   * whom the row rule withholds by their state. Only people that approvals name may have to be dropped afterwards. So
   * the usual page takes one select, and no page takes more than there are such people.
   */
  async listMatching(
    client: string,
    filter: CustomerFilter | null | undefined,
    limit: number,
    after: string | undefined,
    fields: ReadonlySet<string>,
    reach: Reach,
  ): Promise<CustomerCells[]> {
    const asked = fieldsAskedBy(filter);
    if (asked.length === 0) return this.list(client, filter, limit, after, fields);
    const narrowing = matching(reach, asked);
    const found: CustomerCells[] = [];
    for (let position = after; narrowing; ) {
      const rows = await this.list(client, filter, limit, position, fields, narrowing);
      found.push(...rows.filter((row) => mayMatch(reach, row, asked)));
      position = rows.at(-1)?.id;
      if (rows.length < limit || found.length >= limit) break;
    }
    return found.slice(0, limit);
  }

  async #select(
    client: string,
    fields: ReadonlySet<string>,
    where: Condition[],
    limit: number,
  ): Promise<CustomerCells[]> {
    const { columns, rows } = await new TenantReader(await this.#regions.of(client), this.#keys).read(Customer, {
      client,
      fields: withState(fields),
      where,
      orderBy: [{ field: 'id' }],
      limit,
    });
    return rows.map((cells) => new CustomerCells(columns, cells));
  }
}
