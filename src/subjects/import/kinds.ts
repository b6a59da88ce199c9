import type { EntityClass } from '../../storage/entity-class';
import { Customer } from '../customer';
import { Conversation, Message } from '../related/conversation';
import { Order, OrderItem } from '../related/order';
import { email, externalId, type FieldType, text } from './field-types';
import { importableFields } from './importable';

/** What a file's rows can be. */
export const importKinds = ['customers', 'orders', 'order-items', 'conversations', 'messages'] as const;
export type ImportKind = (typeof importKinds)[number];

interface Kind {
  readonly entity: EntityClass;
  /** The fields that can identify the parent row. */
  readonly parents?: Readonly<Record<string, FieldType>>;
}

const ofCustomer = { customerExternalId: externalId, customerEmail: email };

const kinds: Readonly<Record<ImportKind, Kind>> = {
  customers: { entity: Customer },
  orders: { entity: Order, parents: ofCustomer },
  'order-items': { entity: OrderItem, parents: { orderExternalId: externalId } },
  conversations: { entity: Conversation, parents: ofCustomer },
  messages: { entity: Message, parents: { conversationExternalId: externalId } },
};

/** Identifies a row of any kind. Every row must have it, and it is read first. */
const KEY = 'externalId';

const fieldsOf = (kind: ImportKind): Readonly<Record<string, FieldType>> => {
  const { entity, parents } = kinds[kind];
  return { [KEY]: externalId, ...parents, ...importableFields(entity) };
};

export const ATTRIBUTE = 'attributes.';
const attributeValue = text(10_000);
const attributeKey = /^[\w.-]{1,100}$/;

/** The field that identifies a row of this kind. */
export const keyOf = (_kind: ImportKind): string => KEY;

/** The fields that can identify the parent row. A mapping has one of them. */
export const parentsOf = (kind: ImportKind): readonly string[] => Object.keys(kinds[kind].parents ?? {});

/** What reads a field; undefined where the kind has no such field. */
export function typeOf(kind: ImportKind, field: string): FieldType | undefined {
  const fields = fieldsOf(kind);
  if (Object.hasOwn(fields, field)) return fields[field];
  const isAttribute = kind === 'customers' && field.startsWith(ATTRIBUTE);
  return isAttribute && attributeKey.test(field.slice(ATTRIBUTE.length)) ? attributeValue : undefined;
}

/** The names of a kind's fields, in the order in which they are read. */
export const fieldNames = (kind: ImportKind): readonly string[] => Object.keys(fieldsOf(kind));
