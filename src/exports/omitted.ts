import type { Row } from '../tenancy/tenant-reader';
import type { StoredField, TenantTable } from '../tenancy/tenant-table';

/** Tables that an export leaves out, and why; every other table that the census and the eraser know is in it. */
export const omittedTables: ReadonlyMap<string, string> = new Map([
  ['job', 'work under way, of this installation'],
  ['export_chunk', 'the export itself'],
]);

/** Fields that mean nothing anywhere else: keys and digests, which are secrets here, and what only storage counts. */
export const omittedFields: ReadonlyMap<string, string> = new Map([
  ['customer.revision', 'counts writes in this installation'],
  ['webhook_endpoint.secret', 'a key of this installation'],
  ['disclosure.subjects', 'references under keys of this installation'],
]);

/** The fields of a table as its rows are exported, without the client's id. */
export function exportedFields(table: TenantTable): string[] {
  const isOut = ({ property, stored }: StoredField) =>
    ('plain' in stored && stored.plain === 'bytes') ||
    'within' in stored ||
    omittedFields.has(`${table.name}.${property}`);
  const fields = [...table.fields.values()].filter((field) => !isOut(field)).map(({ property }) => property);
  const own = [...table.key, ...(table.subject ? [table.subject.id] : [])];
  return [...new Set([...own, ...fields])].filter((name) => name !== 'clientId');
}

/** A disclosure of which law forbids to tell the client (statement S4): no count may tell of it either. */
export const isUnreported = (table: TenantTable, row: Row, at: number): boolean =>
  table.name === 'disclosure' && row.gagUntil instanceof Date && row.gagUntil.getTime() > at;
