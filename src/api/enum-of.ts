import { registerEnumType } from 'type-graphql';

/**
 * Declares a GraphQL enum whose every value is its own name.
 * @param values name → what it means, as a text or with a `description`
 */
export function enumOf<K extends string>(
  name: string,
  description: string,
  values: Readonly<Record<K, unknown>>,
): { readonly [key in K]: key } {
  const names = Object.keys(values) as K[];
  const object = Object.fromEntries(names.map((key) => [key, key])) as { readonly [key in K]: key };
  const valuesConfig = Object.fromEntries(names.map((key) => [key, { description: meaningOf(values[key]) }])) as {
    [key in K]: { description: string };
  };
  registerEnumType(object, { name, description, valuesConfig });
  return object;
}

function meaningOf(value: unknown): string {
  return typeof value === 'string' ? value : ((value as { description?: string })?.description ?? '');
}
