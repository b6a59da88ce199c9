import type Database from 'better-sqlite3';

/** From this version of Node on, better-sqlite3 12 aborts the process when a statement or a connection is collected. */
const FIRST_ABORTING = 24;
const lasting: unknown[] = [];

/**
 * Keeps a connection and its statements for as long as the process lives, where they must not be collected; each text
 * is prepared once. better-sqlite3 13 needs none of this. TypeORM does not take it yet, and it needs Node 22.
 */
export function keepStatements(database: Database.Database, node = process.versions.node): void {
  if (Number.parseInt(node, 10) < FIRST_ABORTING) return;
  const known = new Map<string, Database.Statement>();
  lasting.push(database, known);
  const prepare = (text: string): Database.Statement => {
    const statement =
      known.get(text) ?? (Object.getPrototypeOf(database) as Database.Database).prepare.call(database, text);
    known.set(text, statement);
    return statement;
  };
  const pragma = (text: string, { simple = false }: Database.PragmaOptions = {}): unknown => {
    // Many of these act when they are prepared, so a kept one would do nothing the second time.
    if (text.includes('=')) return database.exec(`PRAGMA ${text}`) && [];
    const statement = prepare(`PRAGMA ${text}`).pluck(simple);
    return simple ? statement.get() : statement.all();
  };
  Object.assign(database, { prepare, pragma });
}
