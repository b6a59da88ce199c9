import type { EntityManager } from 'typeorm';
import type { DataCategory } from '../governance/vocabulary';
import { countriesIn } from '../identifiers/forms';
import { attributeKeyIndex, blindIndex } from '../keys/blind-index';
import type { DerivedKeys } from '../keys/derived-keys';
import type { KeyStore } from '../keys/key-store';
import { seal, unseal } from '../keys/sealing';
import { type Awaited, SealingBatch, type SealingThread } from '../keys/sealing-thread';
import { dialectOf } from '../storage/dialect';
import { type EntityClass, snakeCase } from '../storage/entity-class';
import { listText } from '../storage/lists';
import { insertStatement } from '../storage/sql';
import { mayHold } from './conditions';
import { enterFence, PersonGoneError, UNDER_ERASURE } from './fence';
import { type Row, sealingContext } from './tenant-reader';
import { fencedBy, type IndexColumn, type StoredField, type TenantTable, tableOf } from './tenant-table';
import { holdUnique, rankIn } from './unique-indexes';

type Value = string | number | Buffer | null;

/** The most rows of one INSERT: below every engine's limit on parameters for the widest table. */
const ROWS_PER_INSERT = 100;
/** The fewest rows of one call that are worth a second thread. */
const MANY = 500;
const none: ReadonlyMap<string, Buffer> = new Map();

/**
 * Writes a client's rows in one transaction. Plain fields go to their columns. Personal fields are sealed by category
 * under the subject's key, with their blind indexes. The subject's key must exist: a key is written before its row.
 * Nothing is written about a person who is being erased, or no longer exists.
 */
export class TenantWriter {
  readonly #manager: EntityManager;
  readonly #keys: KeyStore;
  readonly #made: ReadonlyMap<string, Buffer>;
  readonly #sealing: SealingThread | undefined;
  /** People whose fence this transaction has entered, with their restriction; undefined for those who do not exist. */
  readonly #entered = new Map<string, string | null | undefined>();

  /**
   * @param made keys that were made for this transaction, so that they need not be read
   * @param sealing the thread that seals many rows; this thread does without one
   */
  constructor(
    manager: EntityManager,
    keys: KeyStore,
    made: ReadonlyMap<string, Buffer> = none,
    sealing?: SealingThread,
  ) {
    this.#manager = manager;
    this.#keys = keys;
    this.#made = made;
    this.#sealing = sealing;
  }

  /**
   * Enters the fence of people whom rows of an entity are about. Then their erasure waits for this transaction, or the
   * other way round. Writes enter by themselves; call this to learn beforehand what they would refuse.
   * @returns the restriction of each person who exists, null where there is none
   */
  async enter(entity: EntityClass, client: string, persons: readonly string[]): Promise<Map<string, string | null>> {
    const states = new Map<string, string | null>();
    const table = fencedBy(tableOf(entity));
    if (!table) return states;
    const wanted = persons.filter((id) => !this.#entered.has(id) && mayHold(table, table.subject.id, id));
    const found = wanted.length > 0 ? await enterFence(this.#manager, table, client, wanted) : undefined;
    for (const id of wanted) this.#entered.set(id, found?.get(id));
    for (const id of persons) {
      const state = this.#entered.get(id);
      if (state !== undefined) states.set(id, state);
    }
    return states;
  }

  /**
   * Inserts rows of one client and entity. Times are Dates or epoch milliseconds, amounts decimals.
   * @throws {PersonGoneError} for a row about a person who is being erased, or does not exist
   * @throws an error that says DUPLICATE (storage/failures.ts) for an identifier that another row has
   */
  async insert(entity: EntityClass, client: string, rows: readonly Row[]): Promise<void> {
    const table = tableOf(entity);
    await this.#enterWith(entity, table, client, rows);
    const sealing = rows.filter((row) => hasSealed(table, row)).map((row) => subjectOf(table, row));
    const keys = await this.#subjectKeys(client, sealing);
    const indexKeys = await this.#indexKeys(table, client);
    if (indexKeys) await holdUnique(this.#manager, table, client, indexKeys, rows);
    const thread = rows.length >= MANY ? this.#sealing : undefined;
    const statementOf = (start: number) => {
      const batch = thread?.batch();
      const chunk = rows.slice(start, start + ROWS_PER_INSERT).map((row) => {
        const owned = { ...row, clientId: client };
        return columnsOf(table, owned, keys.get(subjectOf(table, owned)), indexKeys?.current, {}, batch ?? atOnce);
      });
      return insertion(table, chunk, batch);
    };
    const starts = Array.from({ length: Math.ceil(rows.length / ROWS_PER_INSERT) }, (_, nth) => nth * ROWS_PER_INSERT);
    // The other thread gets all work at once. Without it, this one seals the next rows while a server runs a statement.
    const sent = thread && starts.map(statementOf);
    let inserting: Promise<unknown> = Promise.resolve();
    try {
      for (const [nth, start] of starts.entries()) {
        const { text, values } = sent?.[nth] ?? statementOf(start);
        const parameters = await values;
        await inserting;
        inserting = this.#manager.query(text, parameters);
        // It is awaited later, and may fail before that.
        inserting.catch(() => undefined);
      }
    } finally {
      await inserting;
    }
  }

  /**
   * Changes fields of one row by its whole key. The category of a sealed field is opened, changed and sealed again; a
   * row that does not open stays unchanged. An undefined value changes nothing, and the key never changes.
   * @returns whether there was such a row
   * @throws {UnsealError} where sealed bytes were altered or moved
   * @throws {PersonGoneError} for a row about a person who is being erased
   */
  async update(entity: EntityClass, client: string, key: Row, wanted: Row): Promise<boolean> {
    const table = tableOf(entity);
    const changes = changesOf(table, wanted);
    if (Object.keys(changes).length > 0) await this.#enterTo(entity, table, client, key);
    const categories = touchedCategories(table, changes);
    const stored = await this.#sealedColumns(table, client, key, categories);
    if (!stored) return false;
    const owned: Row = { ...key, ...stored.identity, clientId: client };
    const subject = subjectOf(table, owned);
    const subjectKey = categories.size > 0 ? (await this.#subjectKeys(client, [subject])).get(subject) : undefined;
    const merged: Row = { ...owned, ...changes };
    for (const category of categories) {
      const sealed = stored.sealed.get(category);
      if (!sealed) continue;
      if (!subjectKey) throw noKey(table, category);
      const before = unseal(subjectKey, sealed, sealingContext(table, owned, category)) as Row;
      for (const [field, value] of Object.entries(before)) if (!(field in changes)) merged[field] = value;
    }
    const indexKeys = await this.#indexKeys(table, client);
    if (indexKeys) await holdUnique(this.#manager, table, client, indexKeys, [{ ...stored.beside, ...merged }]);
    const columns = columnsOf(table, merged, subjectKey, indexKeys?.current, stored.beside);
    for (const property of table.key) columns.delete(snakeCase(property));
    if (columns.size === 0) return true;
    const assignments = [...columns.keys()].map((column) => `\`${column}\` = ?`).join(', ');
    const where = keyPredicate(table, owned);
    await this.#manager.query(`UPDATE \`${table.name}\` SET ${assignments} WHERE ${where.text}`, [
      ...columns.values(),
      ...where.parameters,
    ]);
    return true;
  }

  /** Removes one row by its whole key. @throws {PersonGoneError} for a row about a person who is being erased */
  async remove(entity: EntityClass, client: string, key: Row): Promise<void> {
    const table = tableOf(entity);
    await this.#enterTo(entity, table, client, key);
    const where = keyPredicate(table, { ...key, clientId: client });
    await this.#manager.query(`DELETE FROM \`${table.name}\` WHERE ${where.text}`, where.parameters);
  }

  /** Enters the fence of the rows' people. People whose own rows these are need none: nobody can erase them yet. */
  async #enterWith(entity: EntityClass, table: TenantTable, client: string, rows: readonly Row[]): Promise<void> {
    const persons = table.subject ? [...new Set(rows.map((row) => subjectOf(table, row)))] : [];
    if (table.fence) {
      for (const id of persons) this.#entered.set(id, null);
      return;
    }
    if (!fencedBy(table)) return;
    const states = await this.enter(entity, client, persons);
    const isGone = (id: string) => !states.has(id) || states.get(id) === UNDER_ERASURE;
    if (persons.some(isGone)) throw new PersonGoneError();
  }

  async #enterTo(entity: EntityClass, table: TenantTable, client: string, key: Row): Promise<void> {
    const person = table.subject && key[table.subject.id];
    if (typeof person !== 'string') return;
    const states = await this.enter(entity, client, [person]);
    if (states.get(person) === UNDER_ERASURE) throw new PersonGoneError();
  }

  async #sealedColumns(table: TenantTable, client: string, key: Row, categories: ReadonlySet<DataCategory>) {
    const subject = table.subject?.id;
    const columns = [...categories].flatMap((category) => table.sealed.get(category)?.column ?? []);
    const beside = besideIndexes(table, categories);
    const names = [...table.key, ...(subject ? [subject] : []), ...beside].map(snakeCase).concat(columns);
    const where = keyPredicate(table, { ...key, clientId: client });
    if (!where.parameters.every((value, index) => mayHold(table, table.key[index] ?? '', value))) return undefined;
    const list = [...new Set(names)].map((name) => `\`${name}\``).join(', ');
    // Without a lock, each of two changes of one category would seal the other's field with its old value.
    const lock = dialectOf(this.#manager).forUpdate;
    const [row] = await this.#manager.query<Row[]>(
      `SELECT ${list} FROM \`${table.name}\` WHERE ${where.text}${lock}`,
      where.parameters,
    );
    if (!row) return undefined;
    const sealed = new Map<DataCategory, Buffer>();
    for (const category of categories) {
      const bytes = row[table.sealed.get(category)?.column ?? ''];
      if (Buffer.isBuffer(bytes)) sealed.set(category, bytes);
    }
    return {
      sealed,
      identity: subject ? { [subject]: row[snakeCase(subject)] } : {},
      beside: Object.fromEntries(beside.map((property) => [property, row[snakeCase(property)]])),
    };
  }

  async #subjectKeys(client: string, subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    if (subjects.every((subject) => this.#made.has(subject))) return this.#made;
    return this.#keys.subjectKeys(client, [...new Set(subjects)]);
  }

  async #indexKeys(table: TenantTable, client: string): Promise<DerivedKeys | undefined> {
    return table.indexes.size > 0 ? this.#keys.derivedKeys(client, 'blind-index') : undefined;
  }
}

/** Seals and digests: at once, or later in another thread. */
type Maker = typeof atOnce | SealingBatch;
const atOnce = { seal, blindIndex, attributeKeyIndex };

function insertion(
  table: TenantTable,
  rows: ReadonlyArray<ReadonlyMap<string, Value | Awaited>>,
  batch: SealingBatch | undefined,
) {
  const names = new Set<string>();
  for (const columns of rows) for (const name of columns.keys()) names.add(name);
  const values: Array<Value | Awaited> = [];
  for (const columns of rows) for (const name of names) values.push(columns.get(name) ?? null);
  return { text: insertStatement(table.name, [...names], rows.length), values: batch ? batch.fill(values) : values };
}

const noKey = (table: TenantTable, category: DataCategory) =>
  new Error(`${table.name}: the subject has no key to seal ${category} with`);

const subjectOf = (table: TenantTable, row: Row): string => String(table.subject ? row[table.subject.id] : '');

/** Whether a row has anything to seal. A person without a key may have rows without sealed content. */
const hasSealed = (table: TenantTable, row: Row): boolean =>
  Object.entries(row).some(([property, value]) => {
    const stored = table.fields.get(property)?.stored;
    return value !== null && value !== undefined && stored !== undefined && 'sealed' in stored;
  });

function changesOf(table: TenantTable, wanted: Row): Row {
  return Object.fromEntries(
    Object.entries(wanted).filter(([property, value]) => value !== undefined && !table.key.includes(property)),
  );
}

/** The categories of the fields that change, and of those whose index depends on them. */
function touchedCategories(table: TenantTable, changes: Row): Set<DataCategory> {
  const categories = new Set<DataCategory>();
  const following = [...table.indexes].filter(([, { countries }]) => countries.some((name) => name in changes));
  for (const name of [...Object.keys(changes), ...following.map(([name]) => name)]) {
    const category = sealedCategory(table, name);
    if (category) categories.add(category);
  }
  return categories;
}

function sealedCategory(table: TenantTable, name: string): DataCategory | undefined {
  const field = table.fields.get(name);
  return field?.personal && 'sealed' in field.stored ? field.personal.category : undefined;
}

/** Plain fields that name the country of an identifier of these categories, or tell apart who shares one. */
function besideIndexes(table: TenantTable, categories: ReadonlySet<DataCategory>): string[] {
  const touched = [...table.indexes].filter(([name]) => categories.has(sealedCategory(table, name) as DataCategory));
  const countries = touched.flatMap(([, index]) =>
    index.countries.filter((name) => 'plain' in (table.fields.get(name)?.stored ?? {})),
  );
  const fields = touched.map(([name]) => name);
  return [...countries, ...rankIn(table, fields)];
}

function indexOf(
  table: TenantTable,
  key: Buffer,
  { kind, countries }: IndexColumn,
  value: unknown,
  row: Row,
  beside: Row,
  by: Maker,
): string | null | Awaited {
  if (typeof value !== 'string') return null;
  if (kind === 'attributeKey') return by.attributeKeyIndex(key, subjectOf(table, row), value);
  const named = countries.map((name) => (name in row ? row[name] : beside[name]));
  return by.blindIndex(key, { kind, value, countries: countriesIn(named) });
}

/**
 * The columns of a row's fields. Fields that the row does not name are left out.
 * @param beside stored fields that indexes depend on
 */
function columnsOf(
  table: TenantTable,
  row: Row,
  subjectKey: Buffer | undefined,
  indexKey: Buffer | undefined,
  beside: Row = {},
  by: Maker = atOnce,
): Map<string, Value | Awaited> {
  const columns = new Map<string, Value | Awaited>();
  const sealed = new Map<DataCategory, Row>();
  for (const property of table.key) columns.set(snakeCase(property), keyValue(table, property, row[property]));
  for (const [property, value] of Object.entries(row)) {
    const field = table.fields.get(property);
    if (!field || value === undefined || table.key.includes(property)) continue;
    if ('plain' in field.stored) {
      columns.set(snakeCase(property), plainValue(table, field, value));
    } else if ('sealed' in field.stored && field.personal) {
      const { category } = field.personal;
      const values = sealed.get(category) ?? {};
      values[property] = value;
      sealed.set(category, values);
      const index = table.indexes.get(property);
      if (index && indexKey) columns.set(index.column, indexOf(table, indexKey, index, value, row, beside, by));
    }
  }
  for (const [category, values] of sealed) {
    const column = table.sealed.get(category)?.column;
    const present = Object.values(values).some((value) => value !== null);
    if (!column) continue;
    if (!present) columns.set(column, null);
    else if (subjectKey) columns.set(column, by.seal(subjectKey, values, sealingContext(table, row, category)));
    else throw noKey(table, category);
  }
  return columns;
}

/** A plain field's value for its column. Checks types here, since SQLite takes any value in any column. */
function plainValue(table: TenantTable, { property, stored }: StoredField, value: unknown): Value {
  if (value === null) return null;
  const kind = 'plain' in stored ? stored.plain : 'id';
  const fits = (taken: boolean, taker: string) => {
    if (!taken) throw new TypeError(`${table.name}.${property} takes ${taker}`);
  };
  if (kind === 'bytes') throw new TypeError(`${table.name}.${property} is written by its own module`);
  if (kind === 'instant' || kind === 'count' || kind === 'size' || kind === 'amount') {
    const number = value instanceof Date ? value.getTime() : value;
    const whole = typeof number === 'number' ? (kind === 'amount' ? Math.round(number * 10_000) : number) : Number.NaN;
    fits(Number.isSafeInteger(whole) && (kind === 'instant' || typeof value === 'number'), `a number (${kind})`);
    return whole;
  }
  if (typeof kind === 'object' && 'list' in kind) {
    fits(Array.isArray(value), 'a list');
    const text = listText(value as string[]);
    fits(text.length <= kind.list, `a list of ${kind.list} characters`);
    return text;
  }
  const limit = kind === 'id' ? 36 : kind.text;
  fits(
    typeof value === 'string' && (value.length <= limit || [...value].length <= limit),
    `${limit} characters of text`,
  );
  return value as string;
}

function keyValue(table: TenantTable, property: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${table.name}: ${property} is missing from the row's key`);
}

function keyPredicate(table: TenantTable, row: Row): { text: string; parameters: string[] } {
  const parameters = table.key.map((property) => keyValue(table, property, row[property]));
  return { text: table.key.map((property) => `\`${snakeCase(property)}\` = ?`).join(' AND '), parameters };
}
