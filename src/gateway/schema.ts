import {
  GraphQLDirective,
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { rowResolversOf } from '../api/row-resolvers';
import { governanceDirectives } from '../governance/directive-usages';
import { ENTRY_DECLARATION } from '../identity/entry-declarations';
import type { RequestContext } from '../identity/request-context';
import type { EntityClass } from '../storage/entity-class';
import { shapeIds } from './shaped-ids';

type ResolverClass = EntityClass;

/** What a subscription's events come from, for each request anew; its topic is the subscription's name. */
export type EventSources = Readonly<Record<string, (context: RequestContext) => AsyncIterable<unknown>>>;

/**
 * The whole API out of its resolvers; its fields carry Remit's directives, which {@link withGovernanceDirectives} defines.
 * @param resolvers one instance of each resolver class, with its services
 * @param sources by topic; a subscription names its own, and hands its context over as `topicId`
 */
export function buildApi(resolvers: readonly object[], sources: EventSources = {}): GraphQLSchema {
  const instances = new Map(resolvers.map((resolver) => [resolver.constructor, resolver]));
  const schema = buildSchemaSync({
    resolvers: [...instances.keys()] as unknown as NonEmptyArray<ResolverClass>,
    container: { get: (resolver) => instances.get(resolver) },
    validate: false,
    pubSub: {
      publish: () => undefined,
      subscribe: (topic, context) => {
        const source = sources[topic];
        if (!source) throw new Error(`the subscription ${topic} has no source of events`);
        return source(context as RequestContext);
      },
    },
  });
  for (const { type, field, resolve } of resolvers.flatMap(rowResolversOf))
    fieldOf(schema, type, field).resolve = resolve;
  shapeIds(schema);
  for (const type of Object.values(schema.getTypeMap())) if (saysOneOf(type)) type.isOneOf = true;
  requireDeclaredMutations(schema);
  return schema;
}

/** type-graphql writes the directive of an input object, and knows nothing of what it means. */
const saysOneOf = (type: GraphQLNamedType): type is GraphQLInputObjectType =>
  isInputObjectType(type) && (type.astNode?.directives ?? []).some(({ name }) => name.value === 'oneOf');

/** Whatever changes governance leaves an entry: every mutation says which, or why it leaves none. */
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

/**
 * Defines Remit's directives in a schema that carries them. Their arguments are bound to the schema's own enums, since a
 * schema has one type of a name.
 */
export function withGovernanceDirectives(schema: GraphQLSchema): GraphQLSchema {
  const config = schema.toConfig();
  const own = (type: GraphQLInputType): GraphQLInputType => {
    if (isNonNullType(type)) return new GraphQLNonNull(own(type.ofType));
    if (isListType(type)) return new GraphQLList(own(type.ofType));
    const named = schema.getType(type.name);
    return isInputType(named) ? named : type;
  };
  const directives = [...governanceDirectives.values()].map((directive) => {
    const { args, ...rest } = directive.toConfig();
    const bound = Object.fromEntries(
      Object.entries(args).map(([name, arg]) => [name, { ...arg, type: own(arg.type) }]),
    );
    return new GraphQLDirective({ ...rest, args: bound });
  });
  return new GraphQLSchema({ ...config, directives: [...config.directives, ...directives] });
}
