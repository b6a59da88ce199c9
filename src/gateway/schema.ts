import {
  GraphQLDirective,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLSchema,
  isInputType,
  isListType,
  isNonNullType,
} from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { governanceDirectives } from '../governance/directive-usages';

type ResolverClass = abstract new (...args: never[]) => object;

/**
 * The whole API out of its resolvers; its fields carry Remit's directives, which {@link withGovernanceDirectives} defines.
 * @param resolvers one instance of each resolver class, with its services
 */
export function buildApi(resolvers: readonly object[]): GraphQLSchema {
  const instances = new Map(resolvers.map((resolver) => [resolver.constructor, resolver]));
  return buildSchemaSync({
    resolvers: [...instances.keys()] as unknown as NonEmptyArray<ResolverClass>,
    container: { get: (resolver) => instances.get(resolver) },
    validate: false,
  });
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
