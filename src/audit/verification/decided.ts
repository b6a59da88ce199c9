import type { DataSource } from 'typeorm';
import { CHANGE_FAILED } from '../../identity/change-recorder';
import type { DecidedValue } from '../../storage/decided-row';
import { type AuditEntry, entryOf } from '../log/entry';

/** The last decision about a column, and its entry. */
export interface DecidedColumn {
  readonly value: DecidedValue;
  readonly entry: string;
  /** The client of the entry, under whose key the value is kept. */
  readonly client: string | undefined;
}

export interface Decided {
  readonly table: string;
  readonly row: string;
  readonly client: string | undefined;
  readonly columns: ReadonlyMap<string, DecidedColumn>;
}

/** Kinds of entries after which a client's rows are gone or going. */
const ENDED = new Set(['CLIENT_KEY_DESTROYED', 'CLIENT_ERASURE_BEGUN']);
/** An import changes thousands of people and leaves one entry. */
const IMPORTED = 'IMPORT_STARTED';
const marks = ['"decides":[', ...[CHANGE_FAILED, IMPORTED, ...ENDED].map((kind) => `"kind":"${kind}"`)];
const PAGE = 2_000;

/** The rows in force according to the ledger: by table and key, as the last entries about them left them. */
export class Decisions {
  readonly #rows = new Map<string, Decided>();
  readonly #ended = new Set<string>();
  readonly #imports = new Map<string, string>();
  #adopted = 0;

  /** Reads the ledger. Decisions whose change then failed do not count. */
  static async in(sources: readonly DataSource[]): Promise<Decisions> {
    const entries: AuditEntry[] = [];
    for (const source of sources) for await (const entry of decidingEntries(source)) entries.push(entry);
    const failed = new Set(
      entries.flatMap(({ kind, details }) =>
        kind === CHANGE_FAILED && details?.outcome === undefined ? String(details?.entry) : [],
      ),
    );
    // Ids state the time, so they order the entries of all logs.
    entries.sort((a, b) => (a.id < b.id ? -1 : 1));
    const decisions = new Decisions();
    for (const entry of entries) if (!failed.has(entry.id)) decisions.#take(entry);
    return decisions;
  }

  /** @param client the row's client, where its key is unique only within a client */
  find(table: string, row: string, client?: string): Decided | undefined {
    return this.#rows.get(keyOf(table, row, client));
  }

  all(): Iterable<Decided> {
    return this.#rows.values();
  }

  /** Whether a client's rows are gone or going: missing ones were erased. */
  hasEnded(client: string | undefined): boolean {
    return client !== undefined && this.#ended.has(client);
  }

  /** Whether an import came after an entry. Its changes to single people have no entries. */
  isImportedAfter(client: string, entry: string): boolean {
    return (this.#imports.get(client) ?? '') > entry;
  }

  /** How many rows were accepted as they were found. */
  get adopted(): number {
    return this.#adopted;
  }

  #take({ id: entry, kind, client: about, decides = [] }: AuditEntry): void {
    const client = about ?? undefined;
    if (ENDED.has(kind) && client !== undefined) this.#ended.add(client);
    if (kind === IMPORTED && client !== undefined) this.#imports.set(client, entry);
    if (kind === RECORDS_ADOPTED) this.#adopted += decides.length;
    for (const { table, row, columns } of decides) {
      const key = keyOf(table, row, client);
      if (columns === null) {
        this.#rows.delete(key);
        continue;
      }
      const known = this.#rows.get(key);
      const merged = new Map(known?.columns);
      for (const [column, value] of Object.entries(columns)) merged.set(column, { value, entry, client });
      this.#rows.set(key, { table, row, client: client ?? known?.client, columns: merged });
    }
  }
}

/** An operator accepts rows as they are, whoever wrote them. */
export const RECORDS_ADOPTED = 'RECORDS_ADOPTED';

/** Tables whose keys are unique only within a client; all others have unique ids. */
const byClient = new Set(['retention_rule']);
const keyOf = (table: string, row: string, client: string | undefined): string =>
  `${byClient.has(table) ? client : ''}|${table}|${row}`;

async function* decidingEntries(source: DataSource): AsyncGenerator<AuditEntry> {
  const where = marks.map(() => 'INSTR(body, ?) > 0').join(' OR ');
  for (let after = ''; ; ) {
    const rows = await source.query<Array<{ entry_id: string; body: Buffer }>>(
      `SELECT entry_id, body FROM audit_entry WHERE entry_id > ? AND (${where}) ORDER BY entry_id LIMIT ${PAGE}`,
      [after, ...marks.map((mark) => Buffer.from(mark))],
    );
    for (const { body } of rows) yield entryOf(body);
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.entry_id ?? after;
  }
}
