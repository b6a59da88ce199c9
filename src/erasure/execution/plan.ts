import type { DataCategory, DataSubject } from '../../governance/vocabulary';
import { snakeCase } from '../../storage/entity-class';
import { type StoredField, type TenantTable } from '../../tenancy/tenant-table';

/** What a step does in a store. */
export type StepAction = 'DELETE' | 'DEIDENTIFY' | 'ERASE_FIELDS' | 'PURGE' | 'DESTROY_KEY';

export interface PlannedStep {
  /** `data:<table>`, `keys:subject_key`, or a module's name for its copies. */
  readonly store: string;
  readonly action: StepAction;
  /** Categories that the step erases. */
  readonly categories: readonly DataCategory[];
}

export const KEY_STORE = 'keys:subject_key';
/** The step on a client's own key. */
export const CLIENT_KEY = 'keys:client_key';
export const dataStore = (table: TenantTable): string => `data:${table.name}`;

export interface Scope {
  readonly subject: DataSubject;
  /** Whether a category is erased now: it is in the scope, and no hold keeps it. */
  erases(category: DataCategory): boolean;
  /** Whether the client's agreement permits keeping de-identified amounts (statement D4). */
  readonly keepsDeidentified: boolean;
}

/** Tables about a kind of data subject. Erasure visits them, and the data inventory checks against them. */
export function tablesAbout(tables: readonly TenantTable[], subject: DataSubject): TenantTable[] {
  return tables.filter((table) => table.subject?.kind === subject);
}

/**
 * What erasing a person does in each table, derived from the declarations alone (docs/pitfalls.md, 27). The person's
 * own row is last, so that it is still there after a crash. When anything is kept, it stays, emptied, because other
 * rows refer to it.
 */
export function planErasure(tables: readonly TenantTable[], scope: Scope): PlannedStep[] {
  const about = tablesAbout(tables, scope.subject);
  const keeps = about.some((table) => categoriesOf(table).some((category) => !scope.erases(category)));
  const isPerson = (table: TenantTable) => table.key.length === 2 && table.key[1] === table.subject?.id;
  const ordered = [...about.filter((table) => !isPerson(table)), ...about.filter(isPerson)];
  return ordered.flatMap((table) => {
    const categories = categoriesOf(table);
    const erased = categories.filter((category) => scope.erases(category));
    if (erased.length === 0 && (keeps || categories.length > 0)) return [];
    const whole = erased.length === categories.length && !(keeps && isPerson(table));
    const action = whole ? wholly(table, scope) : 'ERASE_FIELDS';
    if (action === 'ERASE_FIELDS' && erasedColumns(table, new Set(erased)).length === 0) return [];
    return { store: dataStore(table), action, categories: erased };
  });
}

function wholly(table: TenantTable, { keepsDeidentified }: Scope): StepAction {
  if (table.erasure === 'KEEP') return 'DEIDENTIFY';
  return table.erasure === 'DEIDENTIFY' && keepsDeidentified ? 'DEIDENTIFY' : 'DELETE';
}

/** Categories of data in a table, apart from ids of rows. */
export function categoriesOf(table: TenantTable): DataCategory[] {
  const personal = [...table.fields.values()].filter(
    ({ property, personal }) => personal && !table.key.includes(property) && property !== table.subject?.id,
  );
  return [...new Set(personal.map(({ personal }) => personal?.category as DataCategory))];
}

/** Columns that a kept row loses: values, sealed envelopes, and their blind indexes. */
export function erasedColumns(table: TenantTable, categories: ReadonlySet<DataCategory>): string[] {
  const columns = new Set<string>();
  for (const field of table.fields.values()) {
    if (!goes(table, field, categories)) continue;
    const { category } = field.personal ?? {};
    if ('plain' in field.stored) columns.add(snakeCase(field.property));
    else if (category) columns.add(table.sealed.get(category)?.column ?? '');
    const index = table.indexes.get(field.property);
    if (index) columns.add(index.column);
  }
  columns.delete('');
  return [...columns];
}

function goes(table: TenantTable, { property, personal }: StoredField, categories: ReadonlySet<DataCategory>): boolean {
  if (!personal || personal.erasure === 'KEEP' || !categories.has(personal.category)) return false;
  return !table.key.includes(property) && property !== table.subject?.id;
}
