import type { GraphQLSchema } from 'graphql';
import type { DataSource } from 'typeorm';
import { databaseShortfalls } from './census-database';
import { type CensusField, declaredCensus } from './census-declared';
import { schemaShortfalls } from './census-schema';
import type { Shortfall } from './census-shortfall';
import type { EntityClass } from './tables';

export interface Census {
  /** What is kept of people and of clients, a field each. */
  readonly fields: readonly CensusField[];
  /** What falls short of that; none where all is accounted for. */
  readonly shortfalls: readonly Shortfall[];
}

export interface CensusScope {
  /** The whole API. */
  readonly schema: GraphQLSchema;
  /** The tables whose rows belong to a client. */
  readonly tenants: readonly EntityClass[];
  /** The live databases, and what to call each. */
  readonly databases: ReadonlyArray<{ readonly name: string; readonly source: DataSource }>;
}

/**
 * Compares what the schema shows, what the entities declare and what the live databases hold: what nobody told the
 * eraser about is found here before it is found by a person (pitfall 27).
 */
export async function takeCensus({ schema, tenants, databases }: CensusScope): Promise<Census> {
  const declared = declaredCensus(
    tenants,
    databases.flatMap(({ source }) => source.entityMetadatas),
  );
  const live: Shortfall[] = [];
  for (const { name, source } of databases) live.push(...(await databaseShortfalls(name, source, tenants)));
  return {
    fields: declared.fields,
    shortfalls: [...declared.shortfalls, ...schemaShortfalls(schema, tenants), ...live],
  };
}
