import type { Row } from '../../storage/tenant-reader';
import type { Fault } from './errors';
import { type MappedField, type Mapping, requiredFields } from './mapping';
import type { SourceRow } from './source-row';

/** A row in our terms: a field that the file leaves empty is not in it, one that it says to be null is null. */
export interface MappedRow {
  readonly line: number;
  readonly values: Row;
}

/** What bytes that are no UTF-8 were read as, and halves of a surrogate pair, which no database keeps. */
const UNREADABLE = /\uFFFD|\p{Surrogate}/u;

/** Reads a row of the file by the mapping, or says what is wrong with it. */
export function mapRow(row: SourceRow, mapping: Mapping): MappedRow | Fault {
  if ('fault' in row.content) return row.content.fault;
  const values: Row = {};
  for (const mapped of mapping.fields) {
    const read = readField(mapped, row.content.value(mapped.column));
    if (read === undefined) continue;
    if (typeof read === 'object' && read !== null && 'reason' in read) return read;
    values[mapped.field] = read;
  }
  const missing = requiredFields(mapping.kind).find((field) => values[field] === undefined || values[field] === null);
  return missing ? { reason: 'is missing', field: missing } : { line: row.line, values };
}

function readField({ field, type }: MappedField, raw: unknown): string | number | Date | null | undefined | Fault {
  if (raw === undefined || raw === null) return raw;
  if (typeof raw === 'object') return { reason: 'is not a single value', field };
  const text = String(raw).trim();
  if (text === '') return undefined;
  if (UNREADABLE.test(text)) return { reason: 'is not valid UTF-8', field };
  const read = type(text);
  return 'reason' in read ? { reason: read.reason, field } : read.value;
}
