import type { GraphQLFieldResolver } from 'graphql';

interface RowField {
  readonly type: string;
  readonly field: string;
  readonly method: string;
  readonly args: readonly string[];
}

type Method = (row: unknown, context: unknown, ...args: unknown[]) => unknown;

const rowFields = new WeakMap<object, RowField[]>();

/**
 * Has a field resolver called as it is: `(row, context, ...args)`, arguments as GraphQL coerced them. type-graphql makes a
 * promise of each argument of each call, which a page pays for once a row.
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

/** The fields of an instance that are called as they are. */
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
