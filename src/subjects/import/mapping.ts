import { z } from 'zod';
import { ImportUsageError } from './errors';
import { amount, count, country, currency, email, type FieldType, instant, ipAddress, text } from './field-types';

export const importKinds = ['customers', 'orders', 'order-items'] as const;
export type ImportKind = (typeof importKinds)[number];

/** One of our fields, the file's column that it comes from, and how to read it. */
export interface MappedField {
  readonly field: string;
  readonly column: string;
  readonly type: FieldType;
}

export interface Mapping {
  readonly kind: ImportKind;
  readonly fields: readonly MappedField[];
}

interface KindFields {
  readonly fields: Readonly<Record<string, FieldType>>;
  /** What every row must have. */
  readonly required: readonly string[];
}

const externalId = text(200);
const words = text(1_000);

const kinds: Readonly<Record<ImportKind, KindFields>> = {
  customers: {
    required: ['externalId'],
    fields: {
      externalId,
      firstName: words,
      lastName: words,
      email,
      phone: words,
      socialHandle: words,
      ipAddress,
      gender: words,
      residency: country,
      source: text(100),
      'postalAddress.street': words,
      'postalAddress.city': words,
      'postalAddress.region': words,
      'postalAddress.postalCode': words,
      'postalAddress.country': country,
    },
  },
  orders: {
    required: ['externalId', 'customerExternalId'],
    fields: {
      externalId,
      customerExternalId: externalId,
      placedAt: instant,
      currency,
      total: amount,
      status: text(40),
    },
  },
  'order-items': {
    required: ['externalId', 'orderExternalId'],
    fields: { externalId, orderExternalId: externalId, name: words, quantity: count, unitPrice: amount },
  },
};

export const ATTRIBUTE = 'attributes.';
const attributeValue = text(10_000);
const attributeKey = /^[\w.-]{1,100}$/;

const shape = z.record(z.string(), z.string().min(1));

/** The fields that a row of this kind cannot be without. */
export const requiredFields = (kind: ImportKind): readonly string[] => kinds[kind].required;

/**
 * Reads a mapping: our field names → the file's columns.
 * @param json the mapping's text
 * @param name what to call it in errors
 * @throws {ImportUsageError} naming everything that is wrong, and what would be right
 */
export function readMapping(json: string, kind: ImportKind, name: string): Mapping {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new ImportUsageError(`${name} is not JSON; write {"externalId":"the file's column", …}`);
  }
  const read = shape.safeParse(value);
  if (!read.success) {
    const at = read.error.issues.map(({ path }) => path.join('.')).filter(Boolean);
    const where = at.length > 0 ? `: ${at.join(', ')}` : '';
    throw new ImportUsageError(`${name} must map each field to the name of one column${where}`);
  }
  const { fields, required } = kinds[kind];
  const known = (field: string) => (Object.hasOwn(fields, field) ? fields[field] : attributeType(kind, field));
  const unknown = Object.keys(read.data).filter((field) => !known(field));
  if (unknown.length > 0) {
    const right = [...Object.keys(fields), ...(kind === 'customers' ? ['attributes.KEY'] : [])].join(', ');
    throw new ImportUsageError(`${name}: ${kind} have no field ${unknown.join(', ')}; there are ${right}`);
  }
  const absent = required.filter((field) => !Object.hasOwn(read.data, field));
  if (absent.length > 0) throw new ImportUsageError(`${name} must map ${absent.join(' and ')}: rows are known by it`);
  return {
    kind,
    fields: Object.entries(read.data).map(([field, column]) => ({ field, column, type: known(field) ?? words })),
  };
}

function attributeType(kind: ImportKind, field: string): FieldType | undefined {
  const isAttribute = kind === 'customers' && field.startsWith(ATTRIBUTE);
  return isAttribute && attributeKey.test(field.slice(ATTRIBUTE.length)) ? attributeValue : undefined;
}
