import type { EntityMetadata } from 'typeorm';
import { type DataCategory, type DataSubject, dataCategories, type ProcessingPurpose } from '../governance/vocabulary';
import { type EntityClass, snakeCase } from '../storage/entity-class';
import {
  declaredFields,
  declaringClasses,
  type ErasureAction,
  type PersonalDataOptions,
  type Retention,
  type StoredField,
  type TenantTable,
  tableOf,
} from '../tenancy/tenant-table';
import type { Gap } from './gap';

/** One field: where it is stored, and its declaration. */
export interface InventoryField {
  readonly table: string;
  /** The columns of the value and of its blind index; none for a computed field. */
  readonly columns: readonly string[];
  readonly field: string;
  /** Undefined where it says nothing about a person; `because` then says why. */
  readonly personal?: {
    readonly subject: DataSubject;
    readonly category: DataCategory;
    /** The purposes that read it in the clear, and those that read a de-identified form. */
    readonly purposes: readonly ProcessingPurpose[];
    readonly deidentified: readonly ProcessingPurpose[];
    readonly retention: Retention;
    readonly erasure: ErasureAction;
  };
  readonly because?: string;
}

const REMEDY = 'declare it by @PersonalData({ category, allow, retention, erasure, … }) or @NonPersonal(because, …)';

/** The fields that entities declare, and their columns without a declaration. */
export function declaredInventory(tenants: readonly EntityClass[], metadatas: readonly EntityMetadata[]) {
  const fields: InventoryField[] = [];
  const gaps: Gap[] = [];
  for (const entity of tenants) {
    const table = tableOf(entity);
    for (const field of table.fields.values()) {
      fields.push(fieldOf(table.name, columnsOf(table, field), field.property, field));
      gaps.push(...fieldGaps(table, field));
    }
    const metadata = metadatas.find(({ target }) => target === entity);
    for (const { propertyName, databaseName } of metadata?.columns ?? []) {
      if (isDeclared(table, propertyName, databaseName)) continue;
      const inherited = keyField(tenants, table, propertyName);
      const at = `${table.name}.${databaseName}`;
      if (inherited) fields.push(fieldOf(table.name, [databaseName], propertyName, inherited));
      else gaps.push({ at, fault: 'is a column of an entity of which nothing is said', remedy: REMEDY });
    }
  }
  fields.push(...sealedObjects(tenants));
  const order = tenants.map((entity) => tableOf(entity).name);
  return { fields: fields.sort((a, b) => order.indexOf(a.table) - order.indexOf(b.table)), gaps };
}

/** The fields of objects that are sealed as a whole, and fields that are computed from rows of other tables. */
function sealedObjects(tenants: readonly EntityClass[]): InventoryField[] {
  return declaringClasses()
    .filter((entity) => !tenants.includes(entity))
    .flatMap((entity) => [...declaredFields(entity).values()])
    .flatMap((field) => {
      if (!('within' in field.stored)) return [];
      const [type, property] = field.stored.within.split('.');
      const owner = tenants.find(({ name }) => name === type);
      if (!owner) return [fieldOf(field.stored.within, [], field.property, field)];
      const table = tableOf(owner);
      const holder = property === undefined ? undefined : table.fields.get(property);
      const name = holder ? `${holder.property}.${field.property}` : field.property;
      return [fieldOf(table.name, holder ? columnsOf(table, holder) : [], name, field)];
    });
}

function fieldOf(
  table: string,
  columns: readonly string[],
  field: string,
  { personal, because = '' }: StoredField,
): InventoryField {
  return personal ? { table, columns, field, personal: said(personal) } : { table, columns, field, because };
}

function said(options: PersonalDataOptions): NonNullable<InventoryField['personal']> {
  const { category, subject = 'CUSTOMER', allow, deidentify = {}, retention, erasure } = options;
  const deidentified = Object.keys(deidentify) as ProcessingPurpose[];
  return { subject, category, purposes: allow, deidentified, retention, erasure };
}

function columnsOf(table: TenantTable, { property, stored, personal }: StoredField): string[] {
  if ('plain' in stored) return [snakeCase(property)];
  const sealed = personal && 'sealed' in stored ? table.sealed.get(personal.category) : undefined;
  return [sealed, table.indexes.get(property)].flatMap((place) => place?.column ?? []);
}

function isDeclared(table: TenantTable, property: string, column: string): boolean {
  if (table.fields.has(property) || property === 'clientId') return true;
  return [...table.sealed.values(), ...table.indexes.values()].some((place) => place.column === column);
}

/** The declaration of a key that refers to another row, such as customerId: that of the row's own id. */
function keyField(tenants: readonly EntityClass[], table: TenantTable, property: string): StoredField | undefined {
  if (!table.key.includes(property) && property !== table.subject?.id) return undefined;
  const entity = tenants.find(({ name }) => `${name[0]?.toLowerCase()}${name.slice(1)}Id` === property);
  return entity && tableOf(entity).fields.get('id');
}

/** Checks at run time what the compiler checks for typed code. */
function fieldGaps(table: TenantTable, { property, personal, because }: StoredField): Gap[] {
  const at = `${table.name}.${property}`;
  if (!personal)
    return because?.trim() ? [] : [{ at, fault: 'is said to be about no person, but not why', remedy: REMEDY }];
  const { category, allow, deidentify = {}, retention, erasure } = personal;
  const missing = [
    Object.hasOwn(dataCategories, category) ? [] : ['category'],
    allow.length + Object.keys(deidentify).length > 0 ? [] : ['purposes'],
    retention ? [] : ['retention'],
    erasure ? [] : ['erasure action'],
  ].flat();
  const faults = missing.map((what) => ({ at, fault: `has no ${what}`, remedy: `name its ${what} in @PersonalData` }));
  if (table.subject) return faults;
  const fault = 'is personal, but its table names no subject: no erasure reaches it';
  return [...faults, { at, fault, remedy: 'name the subject in @TenantTable({ subject })' }];
}
