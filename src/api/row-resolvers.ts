import type { GraphQLFieldResolver } from 'graphql';
import type { RowSource } from '../governance/govern';

interface RowField {
  readonly type: string;
  readonly field: string;
  readonly method: string;
  readonly args: readonly string[];
}

type Method = (row: unknown, context: unknown, ...args: unknown[]) => unknown;

const rowFields = new WeakMap<object, RowField[]>();

/**
 * Calls a field resolver directly: `(row, context, ...args)`, with arguments as GraphQL coerced them. type-graphql
 * would make a promise for each argument of each call, once for every row of a page.
 * @param coordinate the field, as `Type.field`
 * @param args names of the field's arguments, in the method's order
 */
export function RowResolver(coordinate: string, ...args: readonly string[]): MethodDecorator {
  const [type = '', field = ''] = coordinate.split('.');
  return (target, method) => {
    const fields = rowFields.get(target) ?? [];
    fields.push({ type, field, method: String(method), args });
    rowFields.set(target, fields);
  };
}

/** The fields of an instance that are called directly. */
export function rowResolversOf(
  instance: object,
): Array<{ type: string; field: string; resolve: GraphQLFieldResolver<unknown, unknown> }> {
  const fields = rowFields.get(Object.getPrototypeOf(instance) as object) ?? [];
  return fields.map(({ type, field, method: name, args }) => {
    const method = (instance as Record<string, Method>)[name]?.bind(instance);
    if (!method) throw new Error(`${type}.${field} has no method`);
    return { type, field, resolve: (row, given, context) => method(row, context, ...args.map((arg) => given[arg])) };
  });
}

/** A field whose rows can be written without being made objects. */
export interface DeclaredSource {
  readonly type: string;
  readonly field: string;
  readonly source: RowSource;
}

/** What an instance declares. Its resolvers answer the same, for operations of other kinds of fields. */
export const rowSourcesOf = (instance: { rowSources?(): DeclaredSource[] }): DeclaredSource[] =>
  instance.rowSources?.() ?? [];
