import type { DataSource } from 'typeorm';
import type { Outcome } from '../../governance/govern';
import type { Regions } from '../../storage/regions';
import { parseCheckpoint } from '../log/checkpoint';
import { unsettledLogs } from '../log/earlier-logs';
import { type AuditEntry, type EntryRow, entryColumns, entryOf, firstIdAt } from '../log/entry';
import { inclusionProof } from '../log/merkle';
import type { AuditProof } from '../log/proof';
import { storedNodes } from '../log/stored-nodes';
import type { References } from '../recording/references';

export interface EntryFilter {
  /** The id of a data subject; requires a client. */
  readonly subject?: string | null;
  /** A principal's `sub`. */
  readonly principal?: string | null;
  readonly purpose?: string | null;
  /** `Type.field` */
  readonly coordinate?: string | null;
  readonly outcome?: Outcome | null;
  readonly kind?: string | null;
  readonly from?: Date | null;
  readonly to?: Date | null;
}

/** A log's latest checkpoint. */
export interface LogCheckpoint {
  readonly log: string;
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
}

/** How many entries are read at a time where some of a page are omitted. */
const MOST_READ_ON = 2_000;

/** Reads the ledger: entries by client and content, and proofs. */
export class AuditReader {
  readonly #regions: Regions;
  readonly #references: References;

  constructor(regions: Regions, references: References) {
    this.#regions = regions;
    this.#references = references;
  }

  /**
   * Entries, newest first.
   * @param client whose entries; undefined for all clients
   * @param before only entries before this id
   * @param omitted the entries that this reader does not see
   */
  async entries(
    client: string | undefined,
    filter: EntryFilter,
    limit: number,
    before: string | undefined,
    omitted: (entry: AuditEntry) => boolean = () => false,
  ): Promise<AuditEntry[]> {
    const shown: AuditEntry[] = [];
    let position = before;
    // A page counts visible entries: where many are omitted, more are read.
    for (let many = limit; ; many = Math.max(limit, Math.min(many * 2, MOST_READ_ON))) {
      const found = await this.#entries(client, filter, many, position);
      shown.push(...found.filter((entry) => !omitted(entry)));
      position = found.at(-1)?.id;
      if (found.length < many || shown.length >= limit) return shown.slice(0, limit);
    }
  }

  async #entries(
    client: string | undefined,
    filter: EntryFilter,
    limit: number,
    before: string | undefined,
  ): Promise<AuditEntry[]> {
    const words = await this.#words(client, filter);
    if (!words) return [];
    const conditions = [
      ...(client === undefined ? [] : ['about_client = ?']),
      ...words.map((alike) => `(${alike.map(() => 'INSTR(body, ?) > 0').join(' OR ')})`),
    ];
    const values: Array<string | Buffer> = [
      ...(client === undefined ? [] : [client]),
      ...words.flat().map(Buffer.from),
    ];
    if (before !== undefined) add('entry_id < ?', before);
    if (filter.from) add('entry_id >= ?', firstIdAt(filter.from));
    if (filter.to) add('entry_id < ?', firstIdAt(filter.to));
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const sql = `SELECT entry_id, body FROM audit_entry ${where} ORDER BY entry_id DESC LIMIT ${Math.trunc(limit)}`;
    const found: Array<{ entry_id: string; body: Buffer }> = [];
    for (const source of this.#regions.all()) found.push(...(await source.query<EntryRow[]>(sql, values)));
    found.sort((a, b) => (a.entry_id < b.entry_id ? 1 : -1));
    return found.slice(0, limit).map(({ body }) => entryOf(body));

    function add(condition: string, value: string): void {
      conditions.push(condition);
      values.push(value);
    }
  }

  /** An entry of a client, or of any client where none is given. */
  async entry(client: string | undefined, id: string): Promise<AuditEntry | undefined> {
    const found = await this.#find(client, id);
    return found && entryOf(found.row.body);
  }

  /** Proves that an entry is in its log, for the log's latest checkpoint. */
  async proof(
    client: string | undefined,
    id: string,
    omitted: (entry: AuditEntry) => boolean = () => false,
  ): Promise<AuditProof | undefined> {
    const found = await this.#find(client, id);
    if (!found || omitted(entryOf(found.row.body))) return undefined;
    const { row, source } = found;
    const [last] = await source.query<Array<{ checkpoint: string }>>(
      `SELECT checkpoint FROM audit_entry WHERE log_id = ? AND sequence >= ? AND checkpoint IS NOT NULL
       ORDER BY sequence DESC LIMIT 1`,
      [row.log_id, row.sequence],
    );
    if (!last) return undefined;
    const index = Number(row.sequence);
    const { size } = parseCheckpoint(last.checkpoint);
    const hashes = await inclusionProof(storedNodes(source, row.log_id), index, size);
    return {
      entry: row.body.toString('utf8'),
      index,
      hashes: hashes.map((hash) => hash.toString('base64')),
      checkpoint: last.checkpoint,
    };
  }

  /** The latest checkpoint of each log that may still grow. */
  async checkpoints(): Promise<LogCheckpoint[]> {
    const found: LogCheckpoint[] = [];
    for (const source of this.#regions.all()) {
      for (const { logId: log, checkpoint: note } of (await unsettledLogs(source)).ends) {
        if (note !== null) found.push({ log, note, ...parseCheckpoint(note) });
      }
    }
    return found;
  }

  /** A principal's name; undefined where the entry has none or its key is gone. */
  async nameOf({ client, principalName }: AuditEntry): Promise<string | undefined> {
    return principalName ? this.#references.nameOf(client ?? undefined, principalName) : undefined;
  }

  async #find(client: string | undefined, id: string): Promise<{ row: EntryRow; source: DataSource } | undefined> {
    for (const source of this.#regions.all()) {
      const [row] = await source.query<EntryRow[]>(`SELECT ${entryColumns} FROM audit_entry WHERE entry_id = ?`, [id]);
      if (row && (client === undefined || row.about_client === client)) return { row, source };
    }
    return undefined;
  }

  /** Of each list of fragments, an entry's canonical JSON must contain one; undefined where nothing can match. */
  async #words(client: string | undefined, filter: EntryFilter): Promise<string[][] | undefined> {
    const words: string[][] = [];
    if (filter.subject) {
      const reference = client === undefined ? undefined : await this.#references.subject(client, filter.subject);
      if (reference === undefined) return undefined;
      words.push([JSON.stringify(reference)]);
    }
    if (filter.principal) {
      const references = await this.#references.principalReferences(client, filter.principal);
      words.push(references.map((reference) => `"principal":"${reference}"`));
    }
    if (filter.purpose) words.push([`"purpose":${JSON.stringify(filter.purpose)}`]);
    if (filter.kind) words.push([`"kind":${JSON.stringify(filter.kind)}`]);
    if (filter.coordinate) words.push([`${JSON.stringify(filter.coordinate)}:"${filter.outcome ?? ''}`]);
    else if (filter.outcome) words.push([`:"${filter.outcome}"`]);
    return words;
  }
}
