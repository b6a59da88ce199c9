import Database from 'better-sqlite3';
import { type Connection, createConnection } from 'mysql2/promise';

/** What is committed, seen by a connection of its own. */
export interface Rows {
  /** Every row as text, by table. Tables of bookkeeping are left out. */
  read(): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** The bodies of ledger entries, in their order. */
  entries(): Promise<Buffer[]>;
  close(): Promise<void>;
}

/** The ledger's own tables, and those of migrations, leases and idempotency keys. */
const bookkeeping = /^(?:audit_|migration|sqlite_|idempotency_)/;
const text = (row: unknown): string =>
  JSON.stringify(row, (_key, value) => (value?.type === 'Buffer' ? Buffer.from(value.data).toString('base64') : value));
const ENTRIES = 'SELECT body FROM audit_entry ORDER BY entry_id';

/**
 * @param url as DATABASE_URL has it, past any relay
 * @param isRead the tables to read; all but those of bookkeeping
 */
export async function rowsOf(url: string, isRead = (name: string) => !bookkeeping.test(name)): Promise<Rows> {
  return url.startsWith('sqlite:')
    ? embeddedRows(url.slice('sqlite:'.length), isRead)
    : serverRows(await createConnection(url), isRead);
}

type IsRead = (name: string) => boolean;

function embeddedRows(path: string, isRead: IsRead): Rows {
  // Opened at the first question: the tables are not there before.
  let database: Database.Database | undefined;
  const statements = new Map<string, Database.Statement>();
  const all = (sql: string): unknown[] => {
    database ??= new Database(path, { readonly: true });
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement.all();
  };
  const names = () => all("SELECT name FROM sqlite_master WHERE type = 'table'") as Array<{ name: string }>;
  let tables: string[] | undefined;
  return {
    read: async () => {
      tables ??= names().flatMap(({ name }) => (isRead(name) ? name : []));
      return new Map(tables.map((name) => [name, new Set(all(`SELECT * FROM \`${name}\``).map(text))]));
    },
    entries: async () => (all(ENTRIES) as Array<{ body: Buffer }>).map(({ body }) => body),
    close: async () => void database?.close(),
  };
}

/** Reads again only the tables that changed. */
function serverRows(connection: Connection, isRead: IsRead): Rows {
  const known = new Map<string, { sum: unknown; rows: ReadonlySet<string> }>();
  const query = async (sql: string) => (await connection.query(sql))[0] as Record<string, unknown>[];
  return {
    read: async () => {
      const names = (await query('SHOW TABLES')).map((row) => String(Object.values(row)[0]));
      const tables = names.filter(isRead);
      const sums = await query(`CHECKSUM TABLE ${tables.map((name) => `\`${name}\``).join(', ')}`);
      for (const [index, { Checksum: sum }] of sums.entries()) {
        const name = tables[index] as string;
        if (known.get(name)?.sum === sum) continue;
        known.set(name, { sum, rows: new Set((await query(`SELECT * FROM \`${name}\``)).map(text)) });
      }
      return new Map([...known].map(([name, { rows }]) => [name, rows]));
    },
    entries: async () => (await query(ENTRIES)).map(({ body }) => body as Buffer),
    close: () => connection.end(),
  };
}

/**
 * How many rows of each table came and went, and which columns of those that stayed changed: `customer +1 -1 (name)`.
 */
export function difference(
  before: ReadonlyMap<string, ReadonlySet<string>>,
  after: ReadonlyMap<string, ReadonlySet<string>>,
): string {
  const tables = [...after].flatMap(([name, rows]) => {
    const old = before.get(name) ?? new Set();
    const came = [...rows].filter((row) => !old.has(row));
    const went = [...old].filter((row) => !rows.has(row));
    if (came.length + went.length === 0) return [];
    const columns = changed(came, went);
    return [`${name} +${came.length} -${went.length}${columns.length > 0 ? ` (${columns.join(' ')})` : ''}`];
  });
  return tables.sort().join(', ');
}

function changed(came: readonly string[], went: readonly string[]): string[] {
  const before = new Map(went.map(parsed).map((row) => [row.id, row]));
  const columns = came.map(parsed).flatMap((row) => {
    const old = row.id === undefined ? undefined : before.get(row.id);
    return old ? Object.keys(row).filter((column) => JSON.stringify(row[column]) !== JSON.stringify(old[column])) : [];
  });
  return [...new Set(columns)].sort();
}

const parsed = (row: string): Readonly<Record<string, unknown>> => JSON.parse(row);
