import type { DataSource } from 'typeorm';
import { CHANGE_FAILED } from '../../identity/change-recorder';
import type { DecidedValue } from '../../storage/decided-row';
import { type AuditEntry, entryOf } from '../log/entry';

/** What was decided last of a column, in which entry. */
export interface DecidedColumn {
  readonly value: DecidedValue;
  readonly entry: string;
  /** Whose entry it is, under whose key the value is kept. */
  readonly client: string | undefined;
}

export interface Decided {
  readonly table: string;
  readonly row: string;
  readonly client: string | undefined;
  readonly columns: ReadonlyMap<string, DecidedColumn>;
}

/** Kinds that say that everything of a client is gone, or is going. */
const ENDED = new Set(['CLIENT_KEY_DESTROYED', 'CLIENT_ERASURE_BEGUN']);
/** An import changes persons by the thousand, and says so once. */
const IMPORTED = 'IMPORT_STARTED';
const marks = ['"decides":[', ...[CHANGE_FAILED, IMPORTED, ...ENDED].map((kind) => `"kind":"${kind}"`)];
const PAGE = 2_000;

/** What the ledger says is in force: rows by table and key, as the last entries about them left them. */
export class Decisions {
  readonly #rows = new Map<string, Decided>();
  readonly #ended = new Set<string>();
  readonly #imports = new Map<string, string>();
  #adopted = 0;

  /** Reads the ledger. What was decided and could not be made does not count. */
  static async in(sources: readonly DataSource[]): Promise<Decisions> {
    const entries: AuditEntry[] = [];
    for (const source of sources) for await (const entry of decidingEntries(source)) entries.push(entry);
    const failed = new Set(
      entries.flatMap(({ kind, details }) => (kind === CHANGE_FAILED ? String(details?.entry) : [])),
    );
    // Ids tell the time: entries of all logs in one order.
    entries.sort((a, b) => (a.id < b.id ? -1 : 1));
    const decisions = new Decisions();
    for (const entry of entries) if (!failed.has(entry.id)) decisions.#take(entry);
    return decisions;
  }

  /** @param client whose row it is, where its key is not unique among all clients */
  find(table: string, row: string, client?: string): Decided | undefined {
    return this.#rows.get(keyOf(table, row, client));
  }

  all(): Iterable<Decided> {
    return this.#rows.values();
  }

  /** Whether everything of a client is gone, or is going: what is missing of it was erased. */
  hasEnded(client: string | undefined): boolean {
    return client !== undefined && this.#ended.has(client);
  }

  /** Whether an import came after an entry: what it changed of persons no entry says of each. */
  isImportedAfter(client: string, entry: string): boolean {
    return (this.#imports.get(client) ?? '') > entry;
  }

  /** How many rows were accepted as they were found, without a decision of their own. */
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

/** An operator accepts rows as they are, whoever made them. */
export const RECORDS_ADOPTED = 'RECORDS_ADOPTED';

/** Tables whose rows' keys are told apart by their client alone; ids of all others are unique. */
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
