import { LosslessNumber } from 'lossless-json';
import type { Row } from '../../tenancy/tenant-reader';
import type { Fault } from './errors';
import type { How } from './field-types';
import { type MappedField, type Mapping, ORDINAL } from './mapping';
import type { SourceRow } from './source-row';

/** A row in our terms: a field that the file leaves empty is not in it, one that it says to be null is null. */
export interface MappedRow {
  readonly line: number;
  readonly values: Row;
  /** Fields that could not be read, and are left as they are. */
  readonly faults: readonly Fault[];
}

type Value = string | number | Date | null | undefined;

/** What bytes that are no text were read as, and halves of a surrogate pair, which no database keeps. */
const UNREADABLE = /\uFFFD|\p{Surrogate}/u;
const unreadable = "is not text in the file's encoding; say which it is by --encoding";

/** Reads rows of one file by a mapping. */
export class RowMapper {
  readonly #mapping: Mapping;
  readonly #isStrict: boolean;
  readonly #how: How;
  readonly #ordinals = new Map<string, number>();

  /**
   * @param how what the file's texts mean where the mapping does not say it
   * @param isStrict whether a field that cannot be read costs its row
   */
  constructor(mapping: Mapping, how: How = {}, isStrict = false) {
    this.#mapping = mapping;
    this.#how = how;
    this.#isStrict = isStrict;
  }

  /**
   * A row in our terms, or what is wrong with it: without its key it is nobody's. Undefined for one that the mapping
   * leaves out.
   */
  map({ line, content }: SourceRow): MappedRow | Fault | undefined {
    if ('fault' in content) return content.fault;
    const { only } = this.#mapping;
    if (only && !only.is.includes(String(content.value(only.column) ?? '').trim())) return undefined;
    const values: Row = {};
    const faults: Fault[] = [];
    const { key, parent } = this.#mapping;
    for (const mapped of this.#mapping.fields) {
      const { field } = mapped;
      const read = this.#read(mapped, content.value);
      if (read === undefined) continue;
      if (typeof read === 'object' && read !== null && 'reason' in read) {
        const fault = { reason: read.reason, field };
        if (this.#isStrict || field === key || field === parent) return fault;
        faults.push(fault);
        continue;
      }
      values[field] = read;
    }
    if (values[key] === undefined || values[key] === null) return { reason: 'is missing', field: key };
    return { line, values, faults };
  }

  #read(mapped: MappedField, value: (column: string) => unknown): Value | Fault {
    const { columns, constant, type } = mapped;
    const [column] = columns;
    if (columns.length > 1) return this.#key(mapped, value);
    const raw = constant ?? (column === undefined ? undefined : value(column));
    if (raw === undefined || raw === null) return raw;
    const text = textOf(raw);
    if (typeof text === 'object') return text;
    if (text.trim() === '') return undefined;
    const read = type(raw instanceof LosslessNumber ? raw : text, this.#howTo(mapped));
    if ('reason' in read) return read;
    return 'nothing' in read ? undefined : read.value;
  }

  #howTo({ format, decimal }: MappedField): How {
    if (format === undefined && decimal === undefined) return this.#how;
    return { format: format ?? this.#how.format, decimal: decimal ?? this.#how.decimal };
  }

  /** The parts of a key, each told from the next one whatever they hold. */
  #key({ columns, type }: MappedField, value: (column: string) => unknown): Value | Fault {
    const parts: string[] = [];
    for (const column of columns) {
      if (column === ORDINAL) continue;
      const raw = value(column);
      if (raw === undefined || raw === null) return undefined;
      const text = textOf(raw);
      if (typeof text === 'object') return text;
      const read = text.trim() === '' ? undefined : type(text, this.#how);
      if (!read || 'nothing' in read) return undefined;
      if ('reason' in read) return read;
      parts.push(String(read.value).replace(/[\\/]/g, '\\$&'));
    }
    if (columns.includes(ORDINAL)) {
      const rest = parts.join('/');
      const ordinal = (this.#ordinals.get(rest) ?? 0) + 1;
      this.#ordinals.set(rest, ordinal);
      parts.splice(columns.indexOf(ORDINAL), 0, String(ordinal));
    }
    const read = type(parts.join('/'), this.#how);
    return 'value' in read ? read.value : 'reason' in read ? read : undefined;
  }
}

function textOf(raw: unknown): string | Fault {
  if (raw instanceof LosslessNumber) return raw.value;
  if (typeof raw === 'object') return { reason: 'is not a single value' };
  const text = String(raw);
  return UNREADABLE.test(text) ? { reason: unreadable } : text;
}
