import DataLoader from 'dataloader';
import type { RowCells } from '../governance/govern';
import type { RequestContext } from '../identity/request-context';
import { about, stateOf, unrestricted } from '../identity/subject-state';
import type { KeyStore } from '../keys/key-store';
import type { EntityClass } from '../storage/entity-class';
import type { Regions } from '../storage/regions';
import type { Condition } from '../tenancy/conditions';
import type { SelectedColumns } from '../tenancy/stored-cells';
import { type Parent, type Row, TenantReader } from '../tenancy/tenant-reader';

/** How rows of one kind belong to their parents. */
export interface Relation {
  readonly entity: EntityClass;
  /** The GraphQL type of the rows. Its selected and permitted fields are read. */
  readonly type: string;
  /** Columns of the row → the fields of the parent that they equal. */
  readonly parent: Readonly<Record<string, string>>;
  readonly orderBy: { readonly field: string; readonly descending?: boolean };
}

export interface Slice {
  /** The most rows of each parent. */
  readonly limit: number;
  /** Reads rows after this position. */
  readonly after?: string | undefined;
}

/** Reads records of customers, for all parents of a request together. */
export class Records {
  readonly #regions: Regions;
  readonly #keys: KeyStore;

  constructor(regions: Regions, keys: KeyStore) {
    this.#regions = regions;
    this.#keys = keys;
  }

  /** The rows of one parent. Calls in one tick become one select. */
  of(context: RequestContext, relation: Relation, parent: object, slice: Slice): Promise<Row[]> {
    // The decision says what to read. Operations of one request with other decisions get other loaders
    // (docs/pitfalls.md, 18).
    const key = `${relation.type} ${context.decision?.id ?? ''} ${slice.limit} ${slice.after ?? ''}`;
    const loaders = context.memory as Map<unknown, DataLoader<object, Row[]>>;
    let loader = loaders.get(key);
    if (!loader) {
      loader = new DataLoader((parents) => this.#load(context, relation, parents as readonly Row[], slice), {
        cache: false,
      });
      loaders.set(key, loader);
    }
    return loader.load(parent);
  }

  async #load(context: RequestContext, relation: Relation, parents: readonly Row[], slice: Slice): Promise<Row[][]> {
    const fields = Object.values(relation.parent);
    const ties = parents.map((parent) => fields.map((field) => String(parent[field])));
    const read = await this.each(context, relation, ties, slice);
    return parents.map((parent, index) => {
      // A parent without a state is withheld, and so are its rows.
      const subject = stateOf(parent) ?? { ...unrestricted, restriction: 'UNKNOWN' };
      return (read?.groups[index] ?? []).map((cells) => about(read?.columns.rowOf(cells) ?? {}, subject));
    });
  }

  /**
   * The rows of each parent as their cells, by one select.
   * @param ties the values of each parent that its rows have too
   */
  async each(
    { client, decision }: RequestContext,
    { entity, type, parent, orderBy }: Relation,
    ties: readonly Parent[],
    { limit, after }: Slice,
  ): Promise<{ columns: SelectedColumns; groups: ReadonlyArray<readonly RowCells[]> } | undefined> {
    if (!client || !decision) return undefined;
    const where: Condition[] =
      after === undefined ? [] : [{ field: orderBy.field, is: orderBy.descending ? '<' : '>', value: after }];
    return new TenantReader(await this.#regions.of(client.id), this.#keys).readEach(
      entity,
      { client: client.id, fields: decision.readable(type), orderBy: [orderBy], limit, where },
      Object.keys(parent),
      ties,
    );
  }
}
