import { Column, Entity, PrimaryColumn } from 'typeorm';
import {
  type AgreementKind,
  allPurposes,
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

/** What erasure does to a column: removes the value, keeps a form that names nobody, or keeps it where law says so. */
export type ErasureAction = 'DELETE' | 'DEIDENTIFY' | 'KEEP';
/** How long a value stays: as long as the agreement runs and 90 days (D1), or longer where D5 permits. */
export type Retention = 'AGREEMENT' | 'CLAIMS';

/**
 * `text` and `list` say how many characters the column takes; a list is one of codes, an array in rows. `bytes` are what a
 * module seals by itself, under a key that is no person's; only that module reads and writes them.
 */
export type PlainKind =
  | ('id' | 'instant' | 'amount' | 'count' | 'size' | 'bytes')
  | { readonly text: number }
  | { readonly list: number };

/** How a field is kept: in a column of its own, or sealed together with its category's others under the subject's key. */
export type Storing =
  | { readonly plain: PlainKind }
  /**
   * `index`: found again by a blind index, a column beside. `countries`: the row's fields that say by which country it is
   * meant, each a code or an object with one in `country`; the likeliest first.
   */
  | { readonly sealed: true; readonly index?: IndexKind; readonly countries?: readonly string[] }
  /** Part of a sealed object, or computed: no column. */
  | { readonly within: string };

export interface PersonalDataOptions {
  readonly category: DataCategory;
  readonly subject?: DataSubject;
  /** Purposes that read it in the clear. */
  readonly allow: readonly ProcessingPurpose[];
  readonly deidentify?: Readonly<Partial<Record<ProcessingPurpose, Deidentification>>>;
  /** Where the value identifies what another field is the id of: that field, so that their pseudonyms join. */
  readonly domain?: string;
  readonly requiresAgreement?: AgreementKind;
  readonly derivedFrom?: readonly string[];
  readonly stored: Storing;
  readonly erasure: ErasureAction;
  readonly retention: Retention;
}

/** Read in the clear for these purposes, and by this method for every other one, those that are added later included. */
export function otherwise(
  method: Deidentification,
  allow: readonly ProcessingPurpose[],
): Required<Pick<PersonalDataOptions, 'allow' | 'deidentify'>> {
  const others = allPurposes.filter((purpose) => !allow.includes(purpose));
  return { allow, deidentify: Object.fromEntries(others.map((purpose) => [purpose, method])) };
}

/** One field of a tenant's table, as storage, erasure and the census know it. */
export interface StoredField {
  readonly property: string;
  readonly stored: Storing;
  /** Absent where the field says nothing about a person. */
  readonly personal?: PersonalDataOptions;
  readonly because?: string;
}

export interface TenantTableOptions {
  /** Whose data the rows are, and the property that holds the subject's id: rows go when the subject goes. */
  readonly subject?: { readonly kind: DataSubject; readonly id: string };
  /** What becomes of a row that is about no subject when its client goes. */
  readonly erasure: ErasureAction;
  /** Of the persons' own table: what limits their processing, and what every write about them raises (fence.ts). */
  readonly fence?: { readonly state: string; readonly revision: string };
  /** Rows that are written about a person under erasure too: the erasure's own. */
  readonly outsideFence?: true;
}

/** An identifier's index is the client's; that of an attribute's key is its own person's. */
export type IndexKind = IdentifierKind | 'attributeKey';

export interface IndexColumn {
  readonly column: string;
  readonly kind: IndexKind;
  /** Fields that say by which country it is meant. */
  readonly countries: readonly string[];
}

/** A table of rows that belong to a client. */
export interface TenantTable extends TenantTableOptions {
  readonly name: string;
  readonly fields: ReadonlyMap<string, StoredField>;
  /** Category → the property and column that hold its sealed values. */
  readonly sealed: ReadonlyMap<DataCategory, { readonly property: string; readonly column: string }>;
  /** Field → the column of its blind index. */
  readonly indexes: ReadonlyMap<string, IndexColumn>;
  /** Properties of the primary key, the client's id first. */
  readonly key: readonly string[];
}

/** The table of the persons whom other tables' rows are about. */
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

/** Declares an entity to be a client's table: the primary key begins with the client's id, every read is the client's. */
export function TenantTable(name: string, options: TenantTableOptions): ClassDecorator {
  return (target) => {
    const draft = draftOf(target.prototype as object);
    draft.options = { ...options, name };
    Entity(name)(target);
  };
}

/** A part of the primary key, in the order of declaration; the client's id comes first. */
export function Key(kind: PlainKind = 'id'): PropertyDecorator {
  return (target, property) => {
    const name = String(property);
    PrimaryColumn({ name: snakeCase(name), ...optionsOf(kind) })(target, property);
    draftOf(target).key.push(name);
  };
}

/** Declares a field: its columns, and what storage, erasure and the inventory know of it. */
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

/** The table that an entity declares. @throws {Error} where it declares none */
export function tableOf(entity: EntityClass): TenantTable {
  const draft = drafts.get(entity);
  if (draft?.table) return draft.table;
  if (!draft?.options) throw new Error(`${entity.name} is not a tenant's table: it lacks @TenantTable`);
  const { options, ...rest } = draft;
  // Property decorators run in the order of declaration, and the client's id is declared first.
  if (rest.key[0] !== 'clientId') throw new Error(`${entity.name}: the primary key must begin with clientId`);
  draft.table = { ...options, ...rest };
  return draft.table;
}

/** Categories of what a class's fields say of a person. */
export function personalCategories(entity: EntityClass): DataCategory[] {
  return [...new Set([...declaredFields(entity).values()].flatMap(({ personal }) => personal?.category ?? []))];
}

/** The persons' table by whose rows writes to a table are fenced; undefined where erasing a person does not concern it. */
export function fencedBy({ subject, outsideFence }: TenantTable): PersonTable | undefined {
  if (!subject || outsideFence) return undefined;
  for (const [entity, { options }] of drafts) {
    if (options?.fence && options.subject?.kind === subject.kind) return tableOf(entity) as PersonTable;
  }
  return undefined;
}

/** Whether a field's column holds a list of codes (storage/lists.ts). */
export const isList = ({ stored }: StoredField): boolean =>
  'plain' in stored && typeof stored.plain === 'object' && 'list' in stored.plain;

/** Every field declared on a class, tables and sealed objects alike; for the census. */
export function declaredFields(entity: EntityClass): ReadonlyMap<string, StoredField> {
  return drafts.get(entity)?.fields ?? new Map();
}

/** Every class that declares a field: tables, sealed objects, and resolvers of computed fields; for the census. */
export function declaringClasses(): EntityClass[] {
  return [...drafts.keys()];
}
