import type { RequestContext } from '../identity/request-context';
import { tableOf } from '../storage/tables';
import { Customer } from './customer';

/**
 * Whether a row may be said to match what was asked by: that a row has a value tells the value, so a row that withholds
 * the field does not match by it (pitfalls 12, 13). What the operation as a whole may not read was refused before.
 * @param fields fields of Customer that the caller looked up or filtered by
 */
export function mayMatch(context: RequestContext, row: object, fields: readonly string[]): boolean {
  const { row: rule } = context.accessFor(context.decision?.purpose);
  const known = tableOf(Customer).fields;
  return fields.every((field) => {
    const category = known.get(field)?.personal?.category;
    // What is about nobody tells of nobody.
    return category === undefined || rule?.(row, `Customer.${field}`, category) === undefined;
  });
}

const filtered: Readonly<Record<string, string>> = { createdAfter: 'createdAt', createdBefore: 'createdAt' };

/** The fields that an input's values stand for, where they are given. */
export const fieldsAskedBy = (input: object | null | undefined): string[] =>
  Object.entries(input ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name]) => filtered[name] ?? name);
