import { type Page, type PageArguments, page, pageSize, positionOf } from '../api/paging';
import type { RowGroup, RowSource } from '../governance/govern';
import { cursorsOf } from '../identity/cursors';
import { denied, type RequestContext, requireClient } from '../identity/request-context';
import { noteGiven } from '../identity/request-notes';
import type { KeyStore } from '../keys/key-store';
import { personalCategories } from '../tenancy/tenant-table';
import { Customer } from './customer';
import type { CustomerFilter, CustomerLookup } from './customer-inputs';
import { type CustomerCells, type CustomerReads, customerFields } from './customer-reads';
import { reachOf } from './reach';
import { cursorKeysOf, idOf } from './related-page';
import { fieldsAskedBy, mayMatch } from './withheld-matches';

/** The categories of a customer's own row. */
export const categories = personalCategories(Customer);

/** The customers that callers are given, and the note of whose data it was. */
export class GivenCustomers {
  readonly #reads: CustomerReads;
  readonly #keys: KeyStore;

  constructor(reads: CustomerReads, keys: KeyStore) {
    this.#reads = reads;
    this.#keys = keys;
  }

  async one(context: RequestContext, id: string): Promise<CustomerCells[]> {
    const customer = await this.#reads.find(requireClient(context).id, id, readable(context));
    return noted(context, customer ? [customer] : []);
  }

  /** @throws {GraphQLError} SEVERAL_MATCH */
  async lookup(context: RequestContext, by: CustomerLookup): Promise<CustomerCells[]> {
    const found = await this.#sharing(context, by);
    if (found.length > 1) throw denied.several();
    return noted(context, found);
  }

  async alike(context: RequestContext, by: CustomerLookup): Promise<CustomerCells[]> {
    return noted(context, await this.#sharing(context, by));
  }

  async page(
    context: RequestContext,
    { first, after }: PageArguments,
    filter: CustomerFilter | null | undefined,
  ): Promise<Page<CustomerCells>> {
    const client = requireClient(context);
    const size = pageSize(first);
    const cursors = cursorsOf(context, await cursorKeysOf(this.#keys, context), 'Query.customers', () => filter);
    const position = positionOf(after, cursors);
    const fields = readable(context);
    const rows = await this.#reads.listMatching(client.id, filter, size + 1, position, fields, reachOf(context));
    const given = page(rows, size, position, cursors, idOf);
    noted(context, given.nodes);
    return given;
  }

  /** The customers with an identifier, of those that the caller may learn about. */
  async #sharing(context: RequestContext, by: CustomerLookup): Promise<CustomerCells[]> {
    const found = await this.#reads.lookup(requireClient(context).id, by, readable(context));
    const reach = reachOf(context);
    const fields = fieldsAskedBy(by);
    return found.filter((customer) => mayMatch(reach, customer, fields));
  }

  /** What the fields of queries that give customers are written from. */
  sources(): Readonly<Record<string, RowSource>> {
    type Args = PageArguments & { id: string; by: CustomerLookup; filter?: CustomerFilter | null };
    const source = (
      as: RowSource['as'],
      read: (context: RequestContext, args: Args) => Promise<RowGroup>,
    ): RowSource => ({
      as,
      fieldsFor: customerFields,
      read: async ({ context, args }) => [await read(context as RequestContext, args as unknown as Args)],
    });
    return {
      customer: source('one', async (context, { id }) => groupOf(await this.one(context, id))),
      customerLookup: source('one', async (context, { by }) => groupOf(await this.lookup(context, by))),
      customersByIdentifier: source('list', async (context, { by }) => groupOf(await this.alike(context, by))),
      customers: source('connection', async (context, args) => {
        const given = await this.page(context, args, args.filter);
        return { ...groupOf(given.nodes), page: given };
      }),
    };
  }
}

function noted<T extends readonly CustomerCells[]>(context: RequestContext, found: T): T {
  noteGiven(context, found, categories);
  return found;
}

const groupOf = (found: readonly CustomerCells[]): RowGroup => ({
  rows: found.map(({ cells }) => cells),
  markOf: (index) => found[index],
});

const readable = (context: RequestContext): ReadonlySet<string> => context.decision?.readable('Customer') ?? new Set();
