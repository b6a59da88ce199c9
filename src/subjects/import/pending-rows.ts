import type { Row } from '../../tenancy/tenant-reader';

export type Outcome = 'created' | 'updated' | 'unchanged';

/** A row to write: its state after the batch's earlier rows, and its differences from the database. */
export interface Pending {
  readonly row: Row;
  readonly isNew: boolean;
  readonly changes: Row;
}

/** Applies a row of the file to a new row. */
export function begin({ row, changes }: Pending, values: Row): void {
  Object.assign(row, values);
  Object.assign(changes, values);
}

/** Applies a row of the file, and tells whether a value changed. */
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

/** Equality as stored: times to the millisecond, amounts to four decimals, undefined as null. */
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
