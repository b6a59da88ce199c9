/** A value as the database gives it. */
export type Cell = string | number | Buffer | null;

/** As MySQL's protocol numbers them. */
const TYPES = { tiny: 1, short: 2, long: 3, float: 4, double: 5, null: 6, longlong: 8, int24: 9, year: 13 } as const;
const [VARCHAR, DECIMAL, FIRST_TEXT, LAST_TEXT] = [15, 246, 249, 254];
const [BLOB, VAR_STRING] = [252, 253];
const UNSIGNED = 32;
/** The character set of bytes. */
const BINARY = 63;
const EXECUTE = 0x17;

/** How a column of a row is read. */
export interface ColumnKind {
  readonly type: number;
  readonly unsigned: boolean;
  readonly binary: boolean;
}

/** @returns undefined where such columns are left to the driver */
export function columnKind(buffer: Buffer, end: number): ColumnKind | undefined {
  // What is said of a column ends with fields of fixed lengths.
  const type = buffer[end - 6] ?? 0;
  const known = type === VARCHAR || type === DECIMAL || (type >= FIRST_TEXT && type <= LAST_TEXT) || isNumber(type);
  if (!known) return undefined;
  const flags = buffer.readUInt16LE(end - 5);
  return { type, unsigned: (flags & UNSIGNED) !== 0, binary: buffer.readUInt16LE(end - 12) === BINARY };
}

const numbers: ReadonlySet<number> = new Set(Object.values(TYPES));
const isNumber = (type: number): boolean => numbers.has(type);

/** The cells of a row in the binary protocol, as the driver would give them. */
export function cellsOf(buffer: Buffer, start: number, columns: readonly ColumnKind[]): Cell[] {
  const reader = new CellReader(buffer, start + 1 + ((columns.length + 9) >> 3));
  const cells: Cell[] = new Array(columns.length);
  for (let index = 0; index < columns.length; index++) {
    const bit = index + 2;
    const isNull = ((buffer[start + 1 + (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0;
    cells[index] = isNull ? null : reader.next(columns[index] as ColumnKind);
  }
  return cells;
}

/** What Node's `toString` comes to after a detour that costs as much. The driver uses it too. */
interface Sliced {
  utf8Slice(start: number, end: number): string;
}

class CellReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
  }

  next({ type, unsigned, binary }: ColumnKind): Cell {
    const buffer = this.#buffer;
    switch (type) {
      case TYPES.tiny:
        return unsigned ? buffer.readUInt8(this.#skip(1)) : buffer.readInt8(this.#skip(1));
      case TYPES.short:
      case TYPES.year:
        return unsigned ? buffer.readUInt16LE(this.#skip(2)) : buffer.readInt16LE(this.#skip(2));
      case TYPES.long:
      case TYPES.int24:
        return unsigned ? buffer.readUInt32LE(this.#skip(4)) : buffer.readInt32LE(this.#skip(4));
      case TYPES.longlong:
        return this.#long(this.#skip(8), unsigned);
      case TYPES.float:
        return buffer.readFloatLE(this.#skip(4));
      case TYPES.double:
        return buffer.readDoubleLE(this.#skip(8));
      case TYPES.null:
        return null;
      default: {
        const length = this.#length();
        const start = this.#skip(length);
        if (type === DECIMAL) return Number(buffer.toString('latin1', start, start + length));
        if (binary) return buffer.subarray(start, start + length);
        return (buffer as unknown as Sliced).utf8Slice(start, start + length);
      }
    }
  }

  /** Beyond 2^53 as a text. */
  #long(at: number, unsigned: boolean): number | string {
    const buffer = this.#buffer;
    const high = unsigned ? buffer.readUInt32LE(at + 4) : buffer.readInt32LE(at + 4);
    const number = high * 2 ** 32 + buffer.readUInt32LE(at);
    if (Number.isSafeInteger(number)) return number;
    return String(unsigned ? buffer.readBigUInt64LE(at) : buffer.readBigInt64LE(at));
  }

  #length(): number {
    const buffer = this.#buffer;
    const first = buffer.readUInt8(this.#skip(1));
    if (first < 0xfb) return first;
    if (first === 0xfc) return buffer.readUInt16LE(this.#skip(2));
    if (first === 0xfd) return buffer.readUIntLE(this.#skip(3), 3);
    return Number(buffer.readBigUInt64LE(this.#skip(8)));
  }

  #skip(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}

export type BoundValue = string | Buffer | null;

/** How many bytes of a packet {@link writeExecute} writes at most. */
export function executeBytes(values: readonly BoundValue[]): number {
  let bytes = 16 + values.length * 3;
  // A length of its own stands before each.
  for (const value of values) bytes += value === null ? 0 : 9 + Buffer.byteLength(value);
  return bytes;
}

/** Writes the packet that runs a prepared statement. @returns where it ends */
export function writeExecute(into: Buffer, start: number, statement: number, values: readonly BoundValue[]): number {
  let at = into.writeUInt8(EXECUTE, start + 4);
  at = into.writeUInt32LE(statement, at);
  at = into.writeUInt8(0, at);
  at = into.writeUInt32LE(1, at);
  if (values.length > 0) at = writeValues(into, at, values);
  // The fourth byte numbers the packets of a command.
  into.writeUInt32LE(at - start - 4, start);
  return at;
}

function writeValues(into: Buffer, start: number, values: readonly BoundValue[]): number {
  const nulls = start;
  let at = start + ((values.length + 7) >> 3);
  into.fill(0, start, at);
  at = into.writeUInt8(1, at);
  for (const value of values) at = into.writeUInt16LE(value === null ? TYPES.null : typeOf(value), at);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as BoundValue;
    if (value === null) into[nulls + (index >> 3)] = (into[nulls + (index >> 3)] ?? 0) | (1 << (index & 7));
    else at = writeBytes(into, at, value);
  }
  return at;
}

const typeOf = (value: string | Buffer): number => (typeof value === 'string' ? VAR_STRING : BLOB);

function writeBytes(into: Buffer, start: number, value: string | Buffer): number {
  const length = Buffer.byteLength(value);
  let at = start;
  if (length < 0xfb) at = into.writeUInt8(length, at);
  else if (length < 0x10000) at = into.writeUInt16LE(length, into.writeUInt8(0xfc, at));
  else at = into.writeUIntLE(length, into.writeUInt8(0xfd, at), 3);
  return at + (typeof value === 'string' ? into.write(value, at) : value.copy(into, at));
}
