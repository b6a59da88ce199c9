import { Arg, type ClassType, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { type Connection, connectionOf } from '../api/paging';
import { type DeclaredSource, RowResolver } from '../api/row-resolvers';
import type { RequestContext } from '../identity/request-context';
import type { KeyStore } from '../keys/key-store';
import { PersonalRows } from '../tenancy/personal-data';
import type { Row } from '../tenancy/tenant-reader';
import type { Records } from './records';
import { related } from './related-entities';
import { relatedPage } from './related-page';
import type { RelatedRows } from './related-rows';
import { listSource, pageSource } from './related-sources';

/** The most rows of a parent that come as a plain list. */
const LIST_LIMIT = 1_000;

type MakeResolver = (records: Records, keys: KeyStore) => object;

/** Made once: type-graphql knows a class for good. */
const resolvers: readonly MakeResolver[] = related.map((rows) =>
  rows.as === 'connection' ? connectionResolver(rows) : listResolver(rows),
);

/** A resolver for each field that leads from a customer to rows about them, or from such a row to others. */
export const relatedResolvers = (records: Records, keys: KeyStore): object[] =>
  resolvers.map((make) => make(records, keys));

// Roots are typed as plain rows: type-graphql would copy them into a class, and drop their mark.

function connectionResolver({ relation, parent, field, description }: RelatedRows): MakeResolver {
  const node = relation.entity as unknown as ClassType<object>;
  const connection = connectionOf(node, relation.type);
  const options = { name: field, nullable: true, ...(description ? { description } : {}) };

  @Resolver(() => parent)
  class RelatedConnection {
    constructor(
      private readonly records: Records,
      private readonly keys: KeyStore,
    ) {}

    rowSources(): DeclaredSource[] {
      return [{ type: parent.name, field, source: pageSource(this.records, this.keys, relation) }];
    }

    @PersonalRows()
    @FieldResolver(() => connection, options)
    @RowResolver(`${parent.name}.${field}`, 'first', 'after')
    rows(
      @Root() row: Row,
      @Ctx() context: RequestContext,
      @Arg('first', () => Int, { nullable: true }) first?: number,
      @Arg('after', () => String, { nullable: true }) after?: string,
    ): Promise<Connection<object>> {
      return relatedPage(this.records, this.keys, context, relation, row, first, after);
    }
  }
  return (records, keys) => new RelatedConnection(records, keys);
}

function listResolver({ relation, parent, field, description }: RelatedRows): MakeResolver {
  const node = relation.entity as unknown as ClassType<object>;
  const options = { name: field, nullable: true, ...(description ? { description } : {}) };

  @Resolver(() => parent)
  class RelatedList {
    constructor(private readonly records: Records) {}

    rowSources(): DeclaredSource[] {
      return [{ type: parent.name, field, source: listSource(this.records, relation, LIST_LIMIT) }];
    }

    @PersonalRows()
    @FieldResolver(() => [node], options)
    @RowResolver(`${parent.name}.${field}`)
    async rows(@Root() row: Row, @Ctx() context: RequestContext): Promise<object[]> {
      return this.records.of(context, relation, row, { limit: LIST_LIMIT });
    }
  }
  return (records) => new RelatedList(records);
}
