import type { Row } from '../../tenancy/tenant-reader';

export type Outcome = 'created' | 'updated' | 'unchanged';

/** A row that is to be: as it stands after the rows of the batch before, and what of it differs from the database. */
export interface Pending {
  readonly row: Row;
  readonly isNew: boolean;
  readonly changes: Row;
}

/** Sets what a row of the file says of somebody of whom nothing was known. */
export function begin({ row, changes }: Pending, values: Row): void {
  Object.assign(row, values);
  Object.assign(changes, values);
}

/** Sets what a row of the file says; says whether any value differs from what is known. */
export function change(pending: Pending, values: Row): Outcome {
  let changed = false;
  for (const [field, value] of Object.entries(values)) {
    if (isSame(pending.row[field], value)) continue;
    pending.row[field] = value;
    pending.changes[field] = value;
    changed = true;
  }
  return changed ? 'updated' : 'unchanged';
}

/** Equal as they are stored: times to the millisecond, amounts to the ten-thousandth, nothing and null alike. */
function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'number') return Math.round(value * 10_000);
  if (typeof value !== 'object') return value;
  const known = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return known.length === 0 ? null : JSON.stringify(known.sort(([a], [b]) => (a < b ? -1 : 1)));
}
