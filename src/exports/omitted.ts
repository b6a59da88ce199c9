import type { Row } from '../tenancy/tenant-reader';
import type { StoredField, TenantTable } from '../tenancy/tenant-table';

/** Tables that an export leaves out, and why. All other tenant tables are in it. */
export const omittedTables: ReadonlyMap<string, string> = new Map([
  ['job', 'work under way, of this installation'],
  ['export_chunk', 'the export itself'],
  ['identifier_move', 'with which secret of this installation rows are found'],
  ['identifier_turn', 'what writers of this installation change to take turns'],
  ['idempotency_key', 'what callers may ask this installation again, for a day'],
]);

/** Fields without a meaning elsewhere: secrets, and counters of this installation. */
export const omittedFields: ReadonlyMap<string, string> = new Map([
  ['customer.revision', 'counts writes in this installation'],
  ['webhook_endpoint.secret', 'a key of this installation'],
  ['disclosure.subjects', 'references under keys of this installation'],
]);

/** The exported fields of a table, without the client's id. */
export function exportedFields(table: TenantTable): string[] {
  const isOut = ({ property, stored }: StoredField) =>
    ('plain' in stored && stored.plain === 'bytes') ||
    'within' in stored ||
    omittedFields.has(`${table.name}.${property}`);
  const fields = [...table.fields.values()].filter((field) => !isOut(field)).map(({ property }) => property);
  const own = [...table.key, ...(table.subject ? [table.subject.id] : [])];
  return [...new Set([...own, ...fields])].filter((name) => name !== 'clientId');
}

/** Whether a row is a disclosure under a gag (statement S4). Counts must not reveal it either. */
export const isUnreported = (table: TenantTable, row: Row, at: number): boolean =>
  table.name === 'disclosure' && row.gagUntil instanceof Date && row.gagUntil.getTime() > at;
