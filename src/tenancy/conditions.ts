import { snakeCase } from '../storage/entity-class';
import { placesFor } from '../storage/sql';
import type { TenantTable } from './tenant-table';

export type Scalar = string | number;

/** One condition of a select. AND joins several. */
export type Condition =
  | { readonly field: string; readonly is: '=' | '<' | '<=' | '>' | '>='; readonly value: Scalar }
  | { readonly field: string; readonly is: 'in'; readonly value: readonly Scalar[] }
  /** The field's number has at least one bit of the value, or none of them. */
  | { readonly field: string; readonly is: 'has' | 'has not'; readonly value: number }
  | { readonly field: string; readonly is: 'not in'; readonly value: readonly Scalar[] }
  | { readonly field: string; readonly is: 'null' }
  /** At least one of these holds. */
  | { readonly any: readonly Condition[] }
  /** The field's blind index equals the digest, or one of the digests. */
  | { readonly index: string; readonly is: '='; readonly value: string }
  | { readonly index: string; readonly is: 'in'; readonly value: readonly string[] };

const comparisons: ReadonlySet<string> = new Set(['=', '<', '<=', '>', '>=']);

/** The predicate of a client's rows, narrowed by conditions. */
export function predicate(
  table: TenantTable,
  client: string,
  where: readonly Condition[],
): { text: string; parameters: Scalar[] } {
  const parts = ['`client_id` = ?'];
  const parameters: Scalar[] = [defined(table, 'clientId', client)];
  for (const condition of where) {
    const tested = conditionText(table, condition);
    parts.push(tested.text);
    parameters.push(...tested.parameters);
  }
  return { text: parts.join(' AND '), parameters };
}

/** A condition as SQL, with columns that do not name their table. */
function conditionText(table: TenantTable, condition: Condition): { text: string; parameters: Scalar[] } {
  if ('any' in condition) {
    const tests = condition.any.map((one) => conditionText(table, one));
    return {
      text: tests.length === 0 ? '1 = 0' : `(${tests.map(({ text }) => text).join(' OR ')})`,
      parameters: tests.flatMap(({ parameters }) => parameters),
    };
  }
  const column = 'index' in condition ? table.indexes.get(condition.index)?.column : columnOf(table, condition.field);
  if (!column)
    throw new Error(`${table.name} has no blind index of ${'index' in condition ? condition.index : condition.field}`);
  if (condition.is === 'null') return { text: `\`${column}\` IS NULL`, parameters: [] };
  if (condition.is === 'has' || condition.is === 'has not') {
    const text = `(\`${column}\` & ?) ${condition.is === 'has' ? '<>' : '='} 0`;
    return { text, parameters: [wholeNumber(condition.value)] };
  }
  // The only text of a condition that becomes SQL unchanged.
  const isList = condition.is === 'in' || condition.is === 'not in';
  if (!isList && !comparisons.has(condition.is))
    throw new Error(`${table.name}.${column} is compared by an unknown operator`);
  const asked: readonly Scalar[] =
    condition.is === 'in' || condition.is === 'not in' ? condition.value : [condition.value];
  const possible = (value: Scalar) => ('index' in condition ? isAscii(value) : mayHold(table, condition.field, value));
  const parameters = asked.map((value) => defined(table, column, value)).filter(possible);
  if (parameters.length === 0) return { text: condition.is === 'not in' ? '1 = 1' : '1 = 0', parameters };
  const compared = isList ? `${condition.is.toUpperCase()} (${placesFor(parameters)})` : `${condition.is} ?`;
  return { text: `\`${column}\` ${compared}`, parameters };
}

/** A plain column to compare or sort by. @throws {Error} where the property has none */
export function columnOf(table: TenantTable, property: string): string {
  const stored = table.fields.get(property)?.stored;
  if (table.key.includes(property) || (stored && 'plain' in stored)) return snakeCase(property);
  throw new Error(`${table.name}.${property} is no column to compare or sort by`);
}

const isAscii = (value: Scalar): boolean => !/[^\x20-\x7e]/.test(String(value));

/**
 * Whether a column can hold a value at all. Ids are ASCII: MySQL refuses to compare them with other characters, where
 * SQLite finds no row.
 */
export function mayHold(table: TenantTable, property: string, value: Scalar): boolean {
  const stored = table.fields.get(property)?.stored;
  return !(stored === undefined || ('plain' in stored && stored.plain === 'id')) || isAscii(value);
}

function defined(table: TenantTable, column: string, value: Scalar | undefined | null): Scalar {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(`${table.name}.${column} is compared with no value: the select would match too much`);
}

/** The number of a LIMIT. @throws {Error} for anything but a whole number */
export function wholeNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error('a limit must be a whole number');
  return value;
}
