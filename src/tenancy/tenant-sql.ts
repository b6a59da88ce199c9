import { LRUCache } from 'lru-cache';
import { DataSource, type EntityManager } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import { affectedRows, chunksOf, insertStatement, placesFor } from '../storage/sql';
import { runStatement } from '../storage/statements';
import { wholeNumber } from './conditions';

/** Stands for the client among the parameters of a statement. */
const CLIENT = Symbol('client');
/** The client's placeholder in a text, until the text is checked. */
const CLIENT_TOKEN = ':client';
const ROWS_PER_INSERT = 500;

type Scalar = string | number | Buffer | null;
type Parameter = Scalar | symbol;

/** What a template may contain: a value, the values of an IN list, or another part. */
export type Part = Scalar | readonly Scalar[] | Sql;

/** A part of a statement with its parameters. Only the functions of this file make one. */
export type Sql = SqlPart;
class SqlPart {
  constructor(
    readonly text: string,
    readonly parameters: readonly Parameter[],
  ) {}

  /** In a plain template literal, its parameters would be lost. */
  toString(): never {
    throw new Error('a part of a statement may stand in a sql`…` template only');
  }
}

/**
 * A part of a statement. Values become parameters. An array becomes the values of an IN list.
 * @example sql`AND status IN (${['QUEUED', 'FAILED']}) AND next_at <= ${now}`
 */
export function sql(pieces: TemplateStringsArray, ...parts: readonly Part[]): Sql {
  let text = pieces[0] ?? '';
  const parameters: Parameter[] = [];
  for (const [index, part] of parts.entries()) {
    if (part instanceof SqlPart) {
      text += part.text;
      parameters.push(...part.parameters);
    } else if (Array.isArray(part)) {
      if (part.length === 0) throw new Error('a list of values must not be empty');
      text += placesFor(part);
      parameters.push(...part.map(defined));
    } else {
      text += '?';
      parameters.push(defined(part as Scalar));
    }
    text += pieces[index + 1] ?? '';
  }
  return new SqlPart(text, parameters);
}

/** An empty part, for one that is needed on a condition only. */
export const nothing = sql``;

/** The predicate `client_id = ?` with the client as its parameter. */
export const own = new SqlPart(`client_id = ${CLIENT_TOKEN}`, [CLIENT]);

/** The same for a table with an alias. */
export const ownOf = (alias: string): Sql => new SqlPart(`${name(alias).text}.client_id = ${CLIENT_TOKEN}`, [CLIENT]);

/** The name of a table or column that only run time knows. */
export function name(identifier: string): Sql {
  if (!/^[a-z][a-z0-9_]*$/i.test(identifier)) throw new Error(`"${identifier}" is not the name of a table or column`);
  return new SqlPart(`\`${identifier}\``, []);
}

/** The database's own clock, in milliseconds since 1970, to the second. */
export const clockOf = (source: DataSource | EntityManager): Sql =>
  new SqlPart(`(${dialectOf(source).now} * 1000)`, []);

/** The number after LIMIT or OFFSET. Not every engine takes it as a parameter. */
export function limitOf(rows: number): Sql {
  return new SqlPart(String(wholeNumber(rows)), []);
}

/** Joins parts, such as conditions by ` AND `. */
export function joined(parts: readonly Sql[], between: ' AND ' | ' OR ' | ', ' | ' '): Sql {
  return new SqlPart(
    parts.map(({ text }) => text).join(between),
    parts.flatMap(({ parameters }) => parameters),
  );
}

/** Reads rows. */
export interface Reads {
  select<T>(pieces: TemplateStringsArray, ...parts: readonly Part[]): Promise<T[]>;
}

/** Reads and changes rows, within a transaction. */
export interface Writes extends Reads {
  /** Ends a SELECT that locks its rows until the transaction ends. */
  readonly forUpdate: Sql;
  /** Runs an UPDATE or a DELETE. @returns how many rows it matched */
  change(pieces: TemplateStringsArray, ...parts: readonly Part[]): Promise<number>;
}

/** Reads and writes a client's rows, within a transaction. */
export interface OwnWrites extends Writes {
  /** Inserts rows by column names. All rows have the columns of the first. `client_id` is added. */
  insert(table: string, rows: ReadonlyArray<Readonly<Record<string, Scalar>>>): Promise<void>;
  /** Inserts a row unless its key exists. @returns whether it did */
  insertNew(table: string, row: Readonly<Record<string, Scalar | Sql>>): Promise<boolean>;
}

/**
 * SQL on the rows of one client. Every table that a statement names needs the predicate {@link own}, or a tie by
 * `client_id` to a table that has it. Any other statement is refused.
 * @param source a transaction's manager; a data source only reads, and sees committed rows
 * @example tenantSql(manager, client).change`DELETE FROM job WHERE ${own} AND id IN (${ids})`
 */
export function tenantSql(source: EntityManager, client: string): OwnWrites;
export function tenantSql(source: DataSource | EntityManager, client: string): Reads;
export function tenantSql(source: DataSource | EntityManager, client: string): OwnWrites {
  if (typeof client !== 'string' || client === '')
    throw new Error('a statement needs the client whose rows it is about');
  const bound = ({ text, parameters }: Sql) => ({
    text: checkedText(text),
    parameters: parameters.map((parameter) => (parameter === CLIENT ? client : parameter)) as Scalar[],
  });
  return {
    ...statements(source, bound),
    insert: async (table, rows) => {
      const columns = Object.keys(rows[0] ?? {});
      for (const chunk of chunksOf(rows, ROWS_PER_INSERT)) {
        const values = chunk.flatMap((row) => [client, ...columns.map((column) => defined(row[column]))]);
        const text = insertStatement(table, ['client_id', ...columns], chunk.length);
        await writable(source).query(text, values);
      }
    },
    insertNew: async (table, row) => {
      const parts = Object.values(row).map((value) => (value instanceof SqlPart ? value : sql`${value}`));
      const { text, parameters } = joined(parts, ', ');
      const columns = ['client_id', ...Object.keys(row)].map((column) => name(column).text);
      const { insertIgnore } = dialectOf(source);
      const statement = `${insertIgnore} ${name(table).text} (${columns.join(', ')}) VALUES (?, ${text})`;
      return (await affectedRows(writable(source), statement, [client, ...parameters])) > 0;
    },
  };
}

/**
 * SQL on the rows of all clients: for queues, the directory of clients, and checks of the whole installation.
 * test/house/tenant-sql.test.ts lists the files that may use it, and why.
 */
export function acrossClients(source: EntityManager): Writes;
export function acrossClients(source: DataSource | EntityManager): Reads;
export function acrossClients(source: DataSource | EntityManager): Writes {
  return statements(source, ({ text, parameters }) => {
    if (parameters.includes(CLIENT)) throw new Error('a statement across clients has no client of its own');
    return { text, parameters: parameters as readonly Scalar[] };
  });
}

function statements(
  source: DataSource | EntityManager,
  bound: (statement: Sql) => { text: string; parameters: readonly Scalar[] },
): Writes {
  const statementOf = (verbs: RegExp, pieces: TemplateStringsArray, parts: readonly Part[]) => {
    const statement = bound(sql(pieces, ...parts));
    if (!verbs.test(statement.text))
      throw new Error(`select takes SELECT; change takes UPDATE or DELETE; this is: ${statement.text.slice(0, 40)}`);
    return statement;
  };
  return {
    forUpdate: new SqlPart(dialectOf(source).forUpdate, []),
    select: <T>(pieces: TemplateStringsArray, ...parts: readonly Part[]) => {
      const { text, parameters } = statementOf(/^\s*SELECT\b/, pieces, parts);
      return runStatement<T[]>(source, text, parameters);
    },
    change: (pieces, ...parts) => {
      const { text, parameters } = statementOf(/^\s*(UPDATE|DELETE)\b/, pieces, parts);
      return affectedRows(writable(source), text, [...parameters]);
    },
  };
}

function writable(source: DataSource | EntityManager): EntityManager {
  if (source instanceof DataSource) throw new Error('rows can be changed within a transaction only');
  return source;
}

/** Refuses undefined, which would match everything or nothing (docs/pitfalls.md, 23). */
function defined(value: Scalar | undefined): Scalar {
  if (value === undefined) throw new Error('a statement has an undefined value');
  return value;
}

/** Statements that are the client's own, with `?` for it. They differ by the lengths of their lists only. */
const checked = new LRUCache<string, string>({ max: 1_000 });

function checkedText(text: string): string {
  let known = checked.get(text);
  if (known === undefined) {
    requireOwn(text);
    known = text.replaceAll(CLIENT_TOKEN, '?');
    checked.set(text, known);
  }
  return known;
}

/** @throws where a statement, or a subquery in it, could reach the rows of another client */
function requireOwn(text: string): void {
  const bare = withoutQuoted(text);
  if (text.includes('\\')) throw new Error(`leave backslashes out of a statement: ${text.trim().slice(0, 60)}`);
  for (const [shape, instead] of unread)
    if (shape.test(bare)) throw new Error(`${instead}: ${text.trim().slice(0, 60)}`);
  for (const level of levelsOf(bare)) {
    const tables = level.match(/\b(?:FROM|JOIN|UPDATE|INTO)(?:\s+[`\w]|`)/gi)?.length ?? 0;
    if (tables === 0) continue;
    const short = level.trim().slice(0, 60);
    if (tiedIn(conditionsOf(level)).size < tables)
      throw new Error(`a table needs the client: add "${own.text}" or a tie by client_id to: ${short}`);
    if (/\bOR\b/i.test(level)) throw new Error(`put OR in parentheses: ${short}`);
    if (/,/.test(tablesOf(level))) throw new Error(`join tables by JOIN, not by a comma: ${short}`);
  }
  if (!text.includes(CLIENT_TOKEN)) throw new Error(`a statement needs its client: ${text.trim().slice(0, 60)}`);
}

/** What the checks below cannot read, with what to write instead. */
const unread: ReadonlyArray<readonly [RegExp, string]> = [
  [/--|\/\*|#/, 'leave comments out of a statement'],
  [/"/, "quote texts by ' and names by `"],
  [/\b(?:FROM|JOIN|UPDATE)\s*\((?!\s*SELECT\b)/i, 'name tables without parentheses'],
  [/\bSTRAIGHT_JOIN\b|\bUSING\b/i, 'join tables by JOIN … ON'],
  [/(?:^|\()\s*TABLE\b/i, 'read rows by SELECT'],
  [/\|\||\bXOR\b|\bNOT\s+(?:`?\w+`?\.)?client_id\b/i, 'the client must be a plain condition'],
];

/** The tables, by name or alias, that conditions tie to the client; '' stands for one without a name. */
function tiedIn(conditions: string): Set<string> {
  const words = conditions.split(/[\s(),]+/);
  return new Set(
    words.flatMap((word, at) => {
      const left = tableOfClientId(word);
      if (left === undefined || words[at + 1] !== '=') return [];
      const other = words[at + 2] ?? '';
      const right = tableOfClientId(other);
      if (right) return [left, right];
      return other === CLIENT_TOKEN ? [left] : [];
    }),
  );
}

/** The table of a column `client_id`, '' where it names none; nothing for any other word. */
function tableOfClientId(word: string): string | undefined {
  const [column, table = ''] = word.replaceAll('`', '').split('.').reverse();
  return column === 'client_id' ? table : undefined;
}

/** The part of a level that chooses rows, without what is selected or set. */
const conditionsOf = (level: string): string =>
  level.replace(/^\s*SELECT\b.*?\bFROM\b/is, 'FROM').replace(/\bSET\b.*?(?=\bWHERE\b|$)/is, '');

/** The part of a level that names tables, with the conditions of joins. */
const tablesOf = (level: string): string =>
  /\b(?:FROM|UPDATE)\b(.*?)(?=\b(?:SET|WHERE|GROUP|HAVING|ORDER|LIMIT|FOR)\b|$)/is.exec(level)?.[1] ?? '';

const withoutQuoted = (text: string): string => text.replace(/'(?:[^']|'')*'/g, "''");

/** The text of each pair of parentheses and outside of all, split at UNION. */
function levelsOf(text: string): string[] {
  const levels: string[] = [];
  const open = [''];
  for (const character of text) {
    if (character === '(') open.push('');
    else if (character === ')' && open.length > 1) levels.push(open.pop() as string);
    else open[open.length - 1] += character;
  }
  return [...levels, ...open].flatMap((level) => level.split(/\bUNION\b/i));
}
