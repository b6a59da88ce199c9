import type { GraphQLSchema } from 'graphql';
import type { DataSource } from 'typeorm';
import type { EntityClass } from '../storage/entity-class';
import { databaseGaps } from './database';
import { declaredInventory, type InventoryField } from './declared';
import type { Gap } from './gap';
import { schemaGaps } from './schema';

export interface Inventory {
  /** What is kept of people and of clients, a field each. */
  readonly fields: readonly InventoryField[];
  /** What falls short of that; none where all is accounted for. */
  readonly gaps: readonly Gap[];
}

export interface InventoryScope {
  /** The whole API. */
  readonly schema: GraphQLSchema;
  /** The tables whose rows belong to a client. */
  readonly tenants: readonly EntityClass[];
  /** The tables of the keys' store that hold a client's id. */
  readonly keys: readonly EntityClass[];
  /** The live databases, and what to call each. */
  readonly databases: ReadonlyArray<{ readonly name: string; readonly source: DataSource }>;
}

/**
 * Compares what the schema shows, what the entities declare and what the live databases hold: what nobody told the
 * eraser about is found here before it is found by a person (pitfall 27).
 */
export async function takeInventory({ schema, tenants, keys, databases }: InventoryScope): Promise<Inventory> {
  const declared = declaredInventory(
    tenants,
    databases.flatMap(({ source }) => source.entityMetadatas),
  );
  const live: Gap[] = [];
  for (const { name, source } of databases) live.push(...(await databaseGaps(name, source, tenants, keys)));
  return {
    fields: declared.fields,
    gaps: [...declared.gaps, ...schemaGaps(schema, tenants), ...live],
  };
}
