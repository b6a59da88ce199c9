import { DataSource, type EntityManager } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import { affectedRows, chunksOf, insertStatement, placesFor } from '../storage/sql';
import { runStatement } from '../storage/statements';

/** Stands among the parameters for the client whose rows a statement is about. */
const CLIENT = Symbol('client');
/** How the client is written in a text until it is known that nothing else stands in its place. */
const CLIENT_TOKEN = ':client';
const ROWS_PER_INSERT = 500;

type Scalar = string | number | Buffer | null;
type Parameter = Scalar | symbol;

/** What stands between the pieces of a statement's text: a value, the values of an IN list, or a part of the text. */
export type Part = Scalar | readonly Scalar[] | Sql;

/** A part of a statement with its parameters. Only this file's functions make one, so no caller's text becomes SQL. */
export type Sql = SqlPart;
class SqlPart {
  constructor(
    readonly text: string,
    readonly parameters: readonly Parameter[],
  ) {}

  /** Its values would be lost. */
  toString(): never {
    throw new Error('a part of a statement stands in a text that is not one of sql`…`');
  }
}

/**
 * A part of a statement. Values become parameters, an array the values of an IN list.
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

/** Nothing, where a part is wanted on a condition. */
export const nothing = sql``;

/** The predicate that makes a statement a client's own: `client_id = ?`, with the client as its parameter. */
export const own = new SqlPart(`client_id = ${CLIENT_TOKEN}`, [CLIENT]);

/** The same of a table that goes by an alias. */
export const ownOf = (alias: string): Sql => new SqlPart(`${name(alias).text}.client_id = ${CLIENT_TOKEN}`, [CLIENT]);

/** The name of a table or column that is not known when the statement is written. */
export function name(identifier: string): Sql {
  if (!/^[a-z][a-z0-9_]*$/i.test(identifier)) throw new Error(`"${identifier}" is not the name of a table or column`);
  return new SqlPart(`\`${identifier}\``, []);
}

/** The number behind LIMIT or OFFSET, which not every engine takes as a parameter. */
export function limitOf(rows: number): Sql {
  if (!Number.isSafeInteger(rows) || rows < 0) throw new Error('a limit must be a whole number');
  return new SqlPart(String(rows), []);
}

/** Parts one after the other, such as conditions with ` AND ` between them. */
export function joined(parts: readonly Sql[], between: ' AND ' | ' OR ' | ', ' | ' '): Sql {
  return new SqlPart(
    parts.map(({ text }) => text).join(between),
    parts.flatMap(({ parameters }) => parameters),
  );
}

/** Reads rows by a SELECT. */
export interface Reads {
  select<T>(pieces: TemplateStringsArray, ...parts: readonly Part[]): Promise<T[]>;
}

/** Changes rows, within a transaction. */
export interface Writes extends Reads {
  /** Ends a SELECT whose rows nobody else may change until the transaction ends. */
  readonly forUpdate: Sql;
  /** Runs an UPDATE or a DELETE. @returns how many rows it matched */
  change(pieces: TemplateStringsArray, ...parts: readonly Part[]): Promise<number>;
}

/** Writes a client's rows. */
export interface OwnWrites extends Writes {
  /** Inserts rows of the client, each with the same columns, by the columns' names. */
  insert(table: string, rows: ReadonlyArray<Readonly<Record<string, Scalar>>>): Promise<void>;
}

/**
 * SQL on the rows of one client. A statement says {@link own} of every table it names, or ties the table to one that is
 * the client's own; otherwise it is refused.
 * @param source a manager within a transaction; a data source reads only, and sees what is committed
 */
export function tenantSql(source: EntityManager, client: string): OwnWrites;
export function tenantSql(source: DataSource | EntityManager, client: string): Reads;
export function tenantSql(source: DataSource | EntityManager, client: string): OwnWrites {
  if (typeof client !== 'string' || client === '')
    throw new Error('a statement needs the client whose rows it is about');
  const bound = (statement: Sql) => {
    requireOwn(statement.text);
    return {
      text: statement.text.replaceAll(CLIENT_TOKEN, '?'),
      parameters: statement.parameters.map((parameter) => (parameter === CLIENT ? client : parameter)) as Scalar[],
    };
  };
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
  };
}

/**
 * SQL on rows of any client, for what belongs to none of them: queues, the directory of clients, checks of the whole
 * installation. test/house/tenant-sql.test.ts lists the files that may use it, and why.
 */
export function acrossClients(source: EntityManager): Writes;
export function acrossClients(source: DataSource | EntityManager): Reads;
export function acrossClients(source: DataSource | EntityManager): Writes {
  return statements(source, ({ text, parameters }) => {
    if (parameters.includes(CLIENT)) throw new Error('a statement across clients is no client’s own');
    return { text, parameters: parameters as readonly Scalar[] };
  });
}

function statements(
  source: DataSource | EntityManager,
  bound: (statement: Sql) => { text: string; parameters: readonly Scalar[] },
): Writes {
  const statementOf = (verbs: RegExp, pieces: TemplateStringsArray, parts: readonly Part[]) => {
    const statement = bound(sql(pieces, ...parts));
    if (!verbs.test(statement.text)) throw new Error(`a statement of another kind: ${statement.text.slice(0, 40)}`);
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
  if (source instanceof DataSource) throw new Error('rows are changed within a transaction');
  return source;
}

/** An undefined value would match everything or nothing (docs/pitfalls.md, 23). */
function defined(value: Scalar | undefined): Scalar {
  if (value === undefined) throw new Error('a statement has an undefined value');
  return value;
}

/** @throws where a SELECT, UPDATE or DELETE, or a part of one in parentheses, would reach another client's rows */
function requireOwn(text: string): void {
  for (const level of levelsOf(text)) {
    const tables = level.match(/\b(?:FROM|JOIN|UPDATE|INTO)\s+[`\w]/gi)?.length ?? 0;
    if (tables === 0) continue;
    const ties = level.match(/\bclient_id = (?::client\b|`?\w+`?\.client_id\b)/g)?.length ?? 0;
    const short = level.trim().slice(0, 60);
    if (ties < tables) throw new Error(`a statement names a table without its client: ${short}`);
    if (/\bOR\b/i.test(level)) throw new Error(`OR stands beside the client, not in parentheses: ${short}`);
    if (/\bFROM\s+[`\w]+(?:\s+(?:AS\s+)?\w+)?\s*,/i.test(level)) throw new Error(`tables are joined by JOIN: ${short}`);
  }
  if (!text.includes(CLIENT_TOKEN))
    throw new Error(`a statement says nothing of its client: ${text.trim().slice(0, 60)}`);
}

/** The text outside of parentheses, the text within each pair, and the parts of a UNION, without quoted text. */
function levelsOf(text: string): string[] {
  const levels: string[] = [];
  const open = [''];
  for (const character of text.replace(/'(?:[^']|'')*'/g, "''")) {
    if (character === '(') open.push('');
    else if (character === ')' && open.length > 1) levels.push(open.pop() as string);
    else open[open.length - 1] += character;
  }
  return [...levels, ...open].flatMap((level) => level.split(/\bUNION\b/i));
}
