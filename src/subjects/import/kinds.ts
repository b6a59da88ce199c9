import {
  amount,
  count,
  country,
  currency,
  digits,
  email,
  type FieldType,
  instant,
  ipAddress,
  oneOf,
  text,
} from './field-types';

/** What a file's rows can be. */
export const importKinds = ['customers', 'orders', 'order-items', 'conversations', 'messages'] as const;
export type ImportKind = (typeof importKinds)[number];

interface KindFields {
  readonly fields: Readonly<Record<string, FieldType>>;
  /** What names the row itself: every row must have it. */
  readonly key: string;
  /** What names the row that it belongs to: one of these. */
  readonly parents?: readonly string[];
}

const externalId = digits(200);
const words = text(1_000);

const kinds: Readonly<Record<ImportKind, KindFields>> = {
  customers: {
    key: 'externalId',
    fields: {
      externalId,
      firstName: words,
      lastName: words,
      residency: country,
      'postalAddress.country': country,
      email,
      phone: digits(1_000),
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
    parents: ['customerExternalId', 'customerEmail'],
    fields: {
      externalId,
      customerExternalId: externalId,
      customerEmail: email,
      placedAt: instant,
      currency,
      total: amount,
      status: text(40),
    },
  },
  'order-items': {
    key: 'externalId',
    parents: ['orderExternalId'],
    fields: { externalId, orderExternalId: externalId, name: words, quantity: count, unitPrice: amount },
  },
  conversations: {
    key: 'externalId',
    parents: ['customerExternalId', 'customerEmail'],
    fields: {
      externalId,
      customerExternalId: externalId,
      customerEmail: email,
      channel: text(40),
      subject: words,
    },
  },
  messages: {
    key: 'externalId',
    parents: ['conversationExternalId'],
    fields: {
      externalId,
      conversationExternalId: externalId,
      sentAt: instant,
      direction: oneOf('INBOUND', 'OUTBOUND'),
      body: text(1_000_000),
    },
  },
};

export const ATTRIBUTE = 'attributes.';
const attributeValue = text(10_000);
const attributeKey = /^[\w.-]{1,100}$/;

/** The field that names a row of this kind. */
export const keyOf = (kind: ImportKind): string => kinds[kind].key;

/** The fields that can name the row that a row of this kind belongs to; a mapping has one of them. */
export const parentsOf = (kind: ImportKind): readonly string[] => kinds[kind].parents ?? [];

/** What reads a field; undefined where the kind has no such field. */
export function typeOf(kind: ImportKind, field: string): FieldType | undefined {
  const { fields } = kinds[kind];
  if (Object.hasOwn(fields, field)) return fields[field];
  const isAttribute = kind === 'customers' && field.startsWith(ATTRIBUTE);
  return isAttribute && attributeKey.test(field.slice(ATTRIBUTE.length)) ? attributeValue : undefined;
}

/** The names of a kind's fields, in the order in which they are read. */
export const fieldNames = (kind: ImportKind): readonly string[] => Object.keys(kinds[kind].fields);
