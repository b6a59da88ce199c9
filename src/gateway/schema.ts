import {
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isInputObjectType,
  isObjectType,
} from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { rowResolversOf, rowSourcesOf } from '../api/row-resolvers';
import { setRowSource } from '../governance/govern';
import { ENTRY_DECLARATION } from '../identity/entry-declarations';
import type { EntityClass } from '../storage/entity-class';
import { shapeIds } from './shaped-ids';

type ResolverClass = EntityClass;

/**
 * Builds the whole API from its resolvers. Its fields carry Remit's directives; `withGovernanceDirectives` adds their
 * definitions.
 * @param resolvers one instance of each resolver class, with its services
 */
export function buildApi(resolvers: readonly object[]): GraphQLSchema {
  const instances = new Map(resolvers.map((resolver) => [resolver.constructor, resolver]));
  const schema = buildSchemaSync({
    resolvers: [...instances.keys()] as unknown as NonEmptyArray<ResolverClass>,
    container: { get: (resolver) => instances.get(resolver) },
    validate: false,
    // It would introspect the whole schema, a fifth of a start. Whoever asks has it checked (governance/validation.ts).
    skipCheck: true,
    pubSub: noTopics,
  });
  for (const { type, field, resolve } of resolvers.flatMap(rowResolversOf))
    fieldOf(schema, type, field).resolve = resolve;
  for (const { type, field, source } of resolvers.flatMap(rowSourcesOf))
    setRowSource(fieldOf(schema, type, field), source);
  shapeIds(schema);
  for (const type of Object.values(schema.getTypeMap())) if (saysOneOf(type)) type.isOneOf = true;
  requireDeclaredMutations(schema);
  return schema;
}

/** type-graphql asks for one as soon as there is a subscription. Each names its own source instead. */
const noTopics = {
  publish: () => undefined,
  subscribe: (topic: string): never => {
    throw new Error(`the subscription on ${topic} has no source of events: give it "subscribe"`);
  },
};

/** type-graphql prints `@oneOf` on an input type but does not set `isOneOf`. */
const saysOneOf = (type: GraphQLNamedType): type is GraphQLInputObjectType =>
  isInputObjectType(type) && (type.astNode?.directives ?? []).some(({ name }) => name.value === 'oneOf');

/** Every change to governance leaves an entry: each mutation must declare its kind, or why it leaves none. */
function requireDeclaredMutations(schema: GraphQLSchema): void {
  const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
  const silent = mutations.filter(({ extensions }) => !(ENTRY_DECLARATION in extensions)).map(({ name }) => name);
  if (silent.length === 0) return;
  const remedy = 'say @Leaves(kind) of them, or @ChangesNoGovernance(why)';
  throw new Error(`these mutations do not say which entry they leave in the ledger: ${silent.join(', ')}; ${remedy}`);
}

function fieldOf(schema: GraphQLSchema, type: string, field: string): GraphQLField<unknown, unknown> {
  const found = schema.getType(type);
  const its = isObjectType(found) ? found.getFields()[field] : undefined;
  if (!its) throw new Error(`the API has no field ${type}.${field}`);
  return its;
}
