import { z } from 'zod';
import { faultOfDateFormat } from '../values/date-format';
import { ImportUsageError } from './errors';
import type { FieldType } from './field-types';
import { ATTRIBUTE, fieldNames, type ImportKind, keyOf, parentsOf, typeOf } from './kinds';

/** In a key of several columns: the row's number among those that are equal in the others. */
export const ORDINAL = '#';

/** One of our fields, what of the file it comes from, and how to read it. */
export interface MappedField {
  readonly field: string;
  /** One column, or several that make up a key. */
  readonly columns: readonly string[];
  /** What every row has, where it comes from no column. */
  readonly constant?: string;
  /** How dates are written where their spelling alone does not tell. */
  readonly format?: string | undefined;
  /** The sign before the decimals of an amount. */
  readonly decimal?: '.' | ',' | undefined;
  readonly type: FieldType;
}

export interface Mapping {
  readonly kind: ImportKind;
  /** The field that identifies a row. */
  readonly key: string;
  /** The field that identifies the parent row. */
  readonly parent?: string;
  /** Which rows to import, if not all. */
  readonly only?: { readonly column: string; readonly is: readonly string[] };
  readonly fields: readonly MappedField[];
}

const column = z.string().min(1);
const source = z.union([
  column.transform((name) => ({ columns: [name] })),
  z
    .array(column)
    .min(1)
    .transform((columns) => ({ columns })),
  z
    .strictObject({ column, format: column.optional(), decimal: z.enum(['.', ',']).optional() })
    .transform(({ column: name, ...how }) => ({ columns: [name], ...how })),
  z.strictObject({ value: column }).transform(({ value }) => ({ columns: [], constant: value })),
]);
const shape = z.record(z.string(), source);

/**
 * Reads a mapping: our field names → a column of the file, a list of columns that are a key together, `{"column": …,
 * "format": …}` for dates, `{"column": …, "decimal": …}` for amounts, or `{"value": …}` for what all rows have.
 * @param json the mapping's text
 * @param name its name in errors
 * @throws {ImportUsageError} naming everything that is wrong, and what would be right
 */
export function readMapping(json: string, kind: ImportKind, name: string): Mapping {
  return mappingOf(parseMapping(json, name), kind, name);
}

/** @throws {ImportUsageError} for a text that is no JSON object */
export function parseMapping(json: string, name: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The error below says it.
  }
  throw new ImportUsageError(`${name} is not JSON; write {"externalId":"the file's column", …}`);
}

/** As {@link readMapping}, for a parsed value. */
export function mappingOf(value: unknown, kind: ImportKind, name: string, only?: Mapping['only']): Mapping {
  const read = shape.safeParse(value);
  if (!read.success) {
    const at = [...new Set(read.error.issues.map(({ path }) => String(path[0] ?? '')).filter(Boolean))];
    const where = at.length > 0 ? `: ${at.join(', ')}` : '';
    throw new ImportUsageError(`${name} must map each field to the name of one column${where}`);
  }
  const named = Object.keys(read.data);
  const unknown = named.filter((field) => !typeOf(kind, field));
  if (unknown.length > 0) {
    const right = [...fieldNames(kind), ...(kind === 'customers' ? ['attributes.KEY'] : [])].join(', ');
    throw new ImportUsageError(`${name}: ${kind} have no field ${unknown.join(', ')}; there are ${right}`);
  }
  const key = keyOf(kind);
  const parents = parentsOf(kind);
  const [parent, another] = parents.filter((field) => named.includes(field));
  const absent = [
    ...(named.includes(key) ? [] : [key]),
    ...(parents.length > 0 && !parent ? [parents.join(' or ')] : []),
  ];
  if (absent.length > 0) throw new ImportUsageError(`${name} must map ${absent.join(' and ')}: rows are known by it`);
  if (another) throw new ImportUsageError(`${name} must map one of ${parents.join(' and ')}, not both`);
  const identity = [key, ...parents];
  const order = fieldNames(kind);
  const place = (field: string) => (field.startsWith(ATTRIBUTE) ? order.length : order.indexOf(field));
  const fields = Object.entries(read.data).flatMap(([field, from]): MappedField[] => {
    if (from.columns.length > 1 && !identity.includes(field)) {
      throw new ImportUsageError(`${name} maps ${field} to several columns; only ${identity.join(' and ')} can be`);
    }
    const type = typeOf(kind, field);
    return type ? [checked({ field, ...from, type }, name)] : [];
  });
  return {
    kind,
    key,
    ...(parent ? { parent } : {}),
    ...(only ? { only } : {}),
    fields: fields.sort((one, other) => place(one.field) - place(other.field)),
  };
}

/** The columns that a mapping reads. */
export function columnsOf({ fields, only }: Mapping): string[] {
  const named = fields.flatMap(({ columns }) => columns).filter((name) => name !== ORDINAL);
  return [...new Set([...named, ...(only ? [only.column] : [])])];
}

function checked(mapped: MappedField, name: string): MappedField {
  const { field, constant, format, type } = mapped;
  const fault = format === undefined ? undefined : faultOfDateFormat(format);
  if (fault !== undefined) throw new ImportUsageError(`${name}: the format of ${field} ${fault}`);
  if (constant === undefined) return mapped;
  const read = type(constant, {});
  if ('reason' in read) throw new ImportUsageError(`${name}: the value of ${field} ${read.reason}`);
  return mapped;
}
