import { amount, count, country, currency, email, type FieldType, id, instant, ipAddress, text } from './field-types';

/** What a file's rows can be. */
export const importKinds = ['customers', 'orders', 'order-items'] as const;
export type ImportKind = (typeof importKinds)[number];

interface KindFields {
  readonly fields: Readonly<Record<string, FieldType>>;
  /** What names the row itself: every row must have it. */
  readonly key: string;
  /** What names the row that it belongs to. */
  readonly parent?: string;
}

const externalId = id(200);
const words = text(1_000);

const kinds: Readonly<Record<ImportKind, KindFields>> = {
  customers: {
    key: 'externalId',
    fields: {
      externalId,
      firstName: words,
      lastName: words,
      // Before the phone number, which is read by the country that it belongs to.
      residency: country,
      'postalAddress.country': country,
      email,
      phone: words,
      socialHandle: words,
      ipAddress,
      gender: words,
      source: text(100),
      createdAt: instant,
      'postalAddress.street': words,
      'postalAddress.city': words,
      'postalAddress.region': words,
      'postalAddress.postalCode': words,
    },
  },
  orders: {
    key: 'externalId',
    parent: 'customerExternalId',
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
    key: 'externalId',
    parent: 'orderExternalId',
    fields: { externalId, orderExternalId: externalId, name: words, quantity: count, unitPrice: amount },
  },
};

export const ATTRIBUTE = 'attributes.';
const attributeValue = text(10_000);
const attributeKey = /^[\w.-]{1,100}$/;

/** The field that names a row of this kind. */
export const keyOf = (kind: ImportKind): string => kinds[kind].key;

/** The fields that a row of this kind is nothing without: its own key, and its parent's. */
export function identityOf(kind: ImportKind): readonly string[] {
  const { key, parent } = kinds[kind];
  return parent === undefined ? [key] : [key, parent];
}

/** What reads a field; undefined where the kind has no such field. */
export function typeOf(kind: ImportKind, field: string): FieldType | undefined {
  const { fields } = kinds[kind];
  if (Object.hasOwn(fields, field)) return fields[field];
  const isAttribute = kind === 'customers' && field.startsWith(ATTRIBUTE);
  return isAttribute && attributeKey.test(field.slice(ATTRIBUTE.length)) ? attributeValue : undefined;
}

/** The names of a kind's fields, in the order in which they are read. */
export const fieldNames = (kind: ImportKind): readonly string[] => Object.keys(kinds[kind].fields);
