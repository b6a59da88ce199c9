import type { GraphQLSchema } from 'graphql';
import type { DataSource } from 'typeorm';
import type { EntityClass } from '../storage/entity-class';
import { databaseGaps } from './database';
import { declaredInventory, type InventoryField } from './declared';
import type { Gap } from './gap';
import { type Remains, remains, remainsGaps } from './remains';
import { schemaGaps } from './schema';

export interface Inventory {
  /** Every stored field about people and clients. */
  readonly fields: readonly InventoryField[];
  /** What stays of an erased person. */
  readonly remains: readonly Remains[];
  /** What the declarations do not cover. */
  readonly gaps: readonly Gap[];
}

export interface InventoryScope {
  /** The whole API. */
  readonly schema: GraphQLSchema;
  /** The entities of tables with rows of clients. */
  readonly tenants: readonly EntityClass[];
  /** The entities of the keys' store with a client's id. */
  readonly keys: readonly EntityClass[];
  /** The live databases by name: those of data, and keys' stores. */
  readonly databases: ReadonlyArray<{
    readonly name: string;
    readonly store: Remains['store'];
    readonly source: DataSource;
  }>;
}

/**
 * The data inventory: compares the schema, the declarations of entities and the live databases. It finds what erasure
 * does not know about before a data subject does (docs/pitfalls.md, 27).
 */
export async function takeInventory({ schema, tenants, keys, databases }: InventoryScope): Promise<Inventory> {
  const declared = declaredInventory(
    tenants,
    databases.flatMap(({ source }) => source.entityMetadatas),
  );
  const live: Gap[] = [];
  for (const { name, store, source } of databases) {
    live.push(...(await databaseGaps(name, source, tenants, keys)), ...(await remainsGaps(store, source)));
  }
  return {
    fields: declared.fields,
    remains,
    gaps: [...declared.gaps, ...schemaGaps(schema, tenants), ...live],
  };
}
