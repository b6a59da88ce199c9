import { Column, Entity, PrimaryColumn } from 'typeorm';
import {
  type AgreementKind,
  type DataCategory,
  type DataSubject,
  type Deidentification,
  type ProcessingPurpose,
} from '../governance/vocabulary';
import type { IdentifierKind } from '../identifiers/kind';
import {
  amountColumn,
  countColumn,
  digestColumn,
  idColumn,
  instantColumn,
  sealedColumn,
  sizeColumn,
  textColumn,
} from '../storage/columns';
import { type EntityClass, snakeCase } from '../storage/entity-class';

/** What erasure does to a column: deletes the value, keeps a form that identifies nobody, or keeps it by law. */
export type ErasureAction = 'DELETE' | 'DEIDENTIFY' | 'KEEP';
/** How long a value stays: until 90 days after the agreement's end (D1), or longer where D5 permits. */
export type Retention = 'AGREEMENT' | 'CLAIMS';

/**
 * The kind of a plain column. `text` and `list` state its length in characters. A list contains codes and is an array
 * in rows. `bytes` are sealed by their own module under a key that is no person's; only that module reads and writes
 * them.
 */
export type PlainKind =
  | ('id' | 'instant' | 'amount' | 'count' | 'size' | 'bytes')
  | { readonly text: number }
  | { readonly list: number };

/** How a field is stored: in its own column, or sealed under the subject's key with its category's other fields. */
export type Storing =
  | { readonly plain: PlainKind }
  /**
   * `index`: a blind index, in a column beside, finds it. `countries`: fields of the row that name the value's country,
   * the likeliest first. Each holds a code, or an object with a code in `country`.
   */
  | { readonly sealed: true; readonly index?: IndexKind; readonly countries?: readonly string[] }
  /** No column: it is part of a sealed object, or computed. */
  | { readonly within: string };

export interface PersonalDataOptions {
  readonly category: DataCategory;
  readonly subject?: DataSubject;
  /** The purposes that read it in the clear. */
  readonly allow: readonly ProcessingPurpose[];
  readonly deidentify?: Readonly<Partial<Record<ProcessingPurpose, Deidentification>>>;
  /** The field whose id this value is, so that both have the same pseudonym. */
  readonly domain?: string;
  readonly requiresAgreement?: AgreementKind;
  readonly derivedFrom?: readonly string[];
  readonly stored: Storing;
  readonly erasure: ErasureAction;
  readonly retention: Retention;
}

/** One field of a tenant's table, for storage, erasure and the data inventory. */
export interface StoredField {
  readonly property: string;
  readonly stored: Storing;
  /** Undefined where the field says nothing about a person. */
  readonly personal?: PersonalDataOptions;
  readonly because?: string;
}

export interface TenantTableOptions {
  /** Whose data the rows are, and the property with the subject's id. Rows are erased with their subject. */
  readonly subject?: { readonly kind: DataSubject; readonly id: string };
  /** What happens to a row without a subject when its client's data is erased. */
  readonly erasure: ErasureAction;
  /** For the table of people: the field of their restriction, and the counter that every write raises (fence.ts). */
  readonly fence?: { readonly state: string; readonly revision: string };
  /** Rows that may be written about a person under erasure: those of the erasure itself. */
  readonly outsideFence?: true;
}

/** The index of an identifier covers the client's people. That of an attribute's key covers one person. */
export type IndexKind = IdentifierKind | 'attributeKey';

export interface IndexColumn {
  readonly column: string;
  readonly kind: IndexKind;
  /** Fields that name the value's country. */
  readonly countries: readonly string[];
}

/** A table with rows of clients. */
export interface TenantTable extends TenantTableOptions {
  readonly name: string;
  readonly fields: ReadonlyMap<string, StoredField>;
  /** Category → the property and column of its sealed values. */
  readonly sealed: ReadonlyMap<DataCategory, { readonly property: string; readonly column: string }>;
  /** Field → the column of its blind index. */
  readonly indexes: ReadonlyMap<string, IndexColumn>;
  /** The properties of the primary key, the client's id first. */
  readonly key: readonly string[];
}

/** The table of the people whom rows of other tables are about. */
export type PersonTable = TenantTable & Required<Pick<TenantTableOptions, 'subject' | 'fence'>>;

interface Draft {
  table?: TenantTable;
  options?: TenantTableOptions & { name: string };
  fields: Map<string, StoredField>;
  key: string[];
  sealed: Map<DataCategory, { property: string; column: string }>;
  indexes: Map<string, IndexColumn>;
}

const drafts = new Map<EntityClass, Draft>();

function draftOf(target: object): Draft {
  const entity = target.constructor as EntityClass;
  const draft = drafts.get(entity) ?? { fields: new Map(), key: [], sealed: new Map(), indexes: new Map() };
  drafts.set(entity, draft);
  return draft;
}

function optionsOf(kind: PlainKind) {
  if (typeof kind === 'object') return textColumn('list' in kind ? kind.list : kind.text);
  return {
    id: idColumn,
    instant: instantColumn,
    amount: amountColumn,
    count: countColumn,
    size: sizeColumn,
    bytes: sealedColumn,
  }[kind];
}

/** Declares an entity with rows of clients. Its primary key begins with the client's id. */
export function TenantTable(name: string, options: TenantTableOptions): ClassDecorator {
  return (target) => {
    const draft = draftOf(target.prototype as object);
    draft.options = { ...options, name };
    Entity(name)(target);
  };
}

/** Declares a part of the primary key. The client's id comes first. */
export function Key(kind: PlainKind = 'id'): PropertyDecorator {
  return (target, property) => {
    const name = String(property);
    PrimaryColumn({ name: snakeCase(name), ...optionsOf(kind) })(target, property);
    draftOf(target).key.push(name);
  };
}

/** Declares a field and makes its columns. */
export function declareField(target: object, field: StoredField): void {
  const draft = draftOf(target);
  draft.fields.set(field.property, field);
  const { stored } = field;
  if ('plain' in stored) {
    if (draft.key.includes(field.property)) return;
    Column({ name: snakeCase(field.property), ...optionsOf(stored.plain), nullable: true })(target, field.property);
  } else if ('sealed' in stored && field.personal) {
    addSealedColumn(target, draft, field.personal.category);
    if (stored.index) {
      const property = `${field.property}Index`;
      Column({ name: snakeCase(property), ...digestColumn, nullable: true })(target, property);
      const { index: kind, countries = [] } = stored;
      draft.indexes.set(field.property, { column: snakeCase(property), kind, countries });
    }
  }
}

function addSealedColumn(target: object, draft: Draft, category: DataCategory): void {
  if (draft.sealed.has(category)) return;
  const column = `sealed_${category.toLowerCase()}`;
  const property = `sealed${category}`;
  Column({ name: column, ...sealedColumn, nullable: true })(target, property);
  draft.sealed.set(category, { property, column });
}

/** The table of an entity. @throws {Error} for a class without @TenantTable */
export function tableOf(entity: EntityClass): TenantTable {
  const draft = drafts.get(entity);
  if (draft?.table) return draft.table;
  if (!draft?.options) throw new Error(`${entity.name} is not a tenant's table: add @TenantTable`);
  const { options, ...rest } = draft;
  // Property decorators run in the order of declaration.
  if (rest.key[0] !== 'clientId') throw new Error(`${entity.name}: declare the key clientId before all others`);
  draft.table = { ...options, ...rest };
  return draft.table;
}

/** The categories of a class's personal fields. */
export function personalCategories(entity: EntityClass): DataCategory[] {
  return [...new Set([...declaredFields(entity).values()].flatMap(({ personal }) => personal?.category ?? []))];
}

/** The table of people that fences writes to a table; undefined for rows that erasing a person does not affect. */
export function fencedBy({ subject, outsideFence }: TenantTable): PersonTable | undefined {
  if (!subject || outsideFence) return undefined;
  for (const [entity, { options }] of drafts) {
    if (options?.fence && options.subject?.kind === subject.kind) return tableOf(entity) as PersonTable;
  }
  return undefined;
}

/** Whether a field holds a list of codes (storage/lists.ts). */
export const isList = ({ stored }: StoredField): boolean =>
  'plain' in stored && typeof stored.plain === 'object' && 'list' in stored.plain;

/** Every declared field of a table or a sealed object. */
export function declaredFields(entity: EntityClass): ReadonlyMap<string, StoredField> {
  return drafts.get(entity)?.fields ?? new Map();
}

/** Every class that declares a field: tables, sealed objects, and resolvers of computed fields. */
export function declaringClasses(): EntityClass[] {
  return [...drafts.keys()];
}
