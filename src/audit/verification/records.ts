import type { DataSource } from 'typeorm';
import type { ChangeRecorder } from '../../identity/change-recorder';
import { ClientKeyError } from '../../keys/errors';
import type { KeyStore } from '../../keys/key-store';
import { PLATFORM } from '../../keys/platform-key';
import type { DecidedRow } from '../../storage/decided-row';
import { decidedValue } from '../../storage/decided-row';
import type { Regions } from '../../storage/regions';
import { acrossClients, name } from '../../tenancy/tenant-sql';
import type { KeptDecision, References } from '../recording/references';
import { type Decided, Decisions, RECORDS_ADOPTED } from './decided';
import { type PersonFinding, verifyPeople } from './people';

export type RecordProblem = 'UNDECIDED' | 'DIFFERS' | 'MISSING' | 'KEY';

/** A row that nobody decided, or that differs from the decision. */
export interface RecordFinding {
  readonly problem: RecordProblem;
  readonly table: string;
  readonly row: string;
  readonly client: string | null;
  /** The entry with the differing decision. */
  readonly entry: string | null;
  readonly message: string;
}

export interface RecordsReport {
  /** Rows compared. */
  readonly rows: number;
  /** Rows that an operator accepted as found. */
  readonly adopted: number;
  readonly findings: readonly RecordFinding[];
}

/** A table of decided rows, by its key columns without the client's. */
interface DecidedTable {
  readonly name: string;
  readonly key: readonly string[];
  /** The column that names the person. */
  readonly subject?: string;
  /** Kept in the home database only. */
  readonly home?: true;
}

/** Every table whose rows decide who is given what, or what is kept. */
const decidedTables: readonly DecidedTable[] = [
  { name: 'client', key: ['client_id'], home: true },
  { name: 'sub_processor', key: ['id'], home: true },
  { name: 'third_party_application', key: ['id'], home: true },
  { name: 'recipient_certification', key: ['id'], home: true },
  { name: 'legal_basis_suspension', key: ['id'], home: true },
  { name: 'proposal', key: ['id'], home: true },
  { name: 'purpose_grant', key: ['id'] },
  { name: 'client_instruction', key: ['id'] },
  { name: 'agreement', key: ['id'] },
  { name: 'installation', key: ['id'] },
  { name: 'transfer_approval', key: ['id'] },
  { name: 'transfer_event', key: ['approval_id', 'sequence'] },
  { name: 'transfer_subject', key: ['approval_id'], subject: 'customer_id' },
  { name: 'legal_hold', key: ['id'] },
  { name: 'retention_rule', key: ['scope'] },
  { name: 'webhook_endpoint', key: ['id'] },
  { name: 'disclosure', key: ['id'] },
];

/** Tables whose rows are erased with their person or client: a missing row is no finding. */
const mayBeErased = new Set(['transfer_subject']);

interface Parts {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly references: References;
}

type Raw = Readonly<Record<string, unknown>>;

/**
 * Compares the rows in force with the decisions in the ledger (statement G3). A row may change meanwhile, so a
 * difference counts only if it is found twice.
 */
export async function verifyRecords(parts: Parts): Promise<RecordsReport> {
  const first = await new Comparison(parts).run();
  if (first.findings.length === 0) return first;
  const second = await new Comparison(parts).run();
  const again = new Set(second.findings.map(nameOf));
  return { ...second, findings: first.findings.filter((finding) => again.has(nameOf(finding))) };
}

/** The most rows accepted by one entry. */
const ROWS_PER_ENTRY = 100;

/**
 * Accepts rows as they are, on the record: after an update from a version whose entries did not keep decisions, or once
 * somebody has checked each named row.
 * @returns how many rows were accepted
 */
export async function adoptRecords(
  parts: Parts,
  recorder: ChangeRecorder,
  { by, reason }: { by: string; reason: string },
): Promise<number> {
  const comparison = new Comparison(parts);
  await comparison.run();
  let adopted = 0;
  for (const [client, rows] of comparison.undecided) {
    for (let start = 0; start < rows.length; start += ROWS_PER_ENTRY) {
      const decides = rows.slice(start, start + ROWS_PER_ENTRY);
      const tables = [...new Set(decides.map(({ table }) => table))].sort().join(', ');
      const details = { rows: decides.length, tables, reason };
      await recorder.record(RECORDS_ADOPTED, { client, principal: by, details, decides });
      adopted += decides.length;
    }
  }
  return adopted;
}

const nameOf = ({ problem, table, row, message }: RecordFinding): string => [problem, table, row, message].join('|');

class Comparison {
  readonly undecided = new Map<string | undefined, DecidedRow[]>();
  readonly #parts: Parts;
  readonly #findings: RecordFinding[] = [];
  readonly #seen = new Set<Decided>();
  readonly #keyless = new Map<string, boolean>();
  #rows = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async run(): Promise<RecordsReport> {
    const { regions } = this.#parts;
    const decisions = await Decisions.in(regions.all());
    for (const table of decidedTables) {
      for (const source of table.home ? [regions.home] : regions.all()) await this.#table(source, table, decisions);
    }
    this.#missing(decisions);
    const people = await verifyPeople(this.#parts, decisions);
    this.#rows += people.people;
    this.#findings.push(...people.findings.map(personFinding));
    for (const { now, client } of people.findings) if (now) this.#keep(now, client);
    return { rows: this.#rows, adopted: decisions.adopted, findings: this.#findings };
  }

  async #table(source: DataSource, table: DecidedTable, decisions: Decisions): Promise<void> {
    const rows = await acrossClients(source).select<Raw>`SELECT * FROM ${name(table.name)}`;
    for (const raw of rows) {
      const client = clientOf(raw);
      if (client !== undefined && (await this.#isKeyless(client))) continue;
      this.#rows++;
      await this.#row(table, raw, client, decisions);
    }
  }

  async #row(table: DecidedTable, raw: Raw, client: string | undefined, decisions: Decisions): Promise<void> {
    const row = table.key.map((column) => String(raw[column])).join('/');
    const columns = Object.fromEntries(
      Object.entries(raw)
        .filter(([column]) => column !== 'client_id' && !table.key.includes(column) && column !== table.subject)
        .map(([column, value]) => [column, decidedValue(value)]),
    );
    const subject = table.subject === undefined ? {} : { subject: String(raw[table.subject]) };
    const now: DecidedRow = { table: table.name, row, columns, ...subject };
    const ever = await this.#parts.references.decisionsEver(client, now);
    const [kept] = ever;
    // The person's key is gone: nobody can read what the row is about.
    if (!kept) return;
    const decided = decisions.find(table.name, kept.row, client);
    if (!decided) return this.#undecided(now, client);
    this.#seen.add(decided);
    await this.#compare(now, ever, client, decided);
  }

  /** @param ever what an entry may have kept of the row, whichever of the client's secrets it was made under */
  async #compare(
    now: DecidedRow,
    ever: readonly KeptDecision[],
    client: string | undefined,
    { columns }: Decided,
  ): Promise<void> {
    // Decisions under a gag order are kept under the platform's key.
    const foreign = [...columns.values()].some((column) => column.client !== client);
    const platforms = foreign ? await this.#parts.references.decisionsEver(undefined, now) : [];
    for (const [column, { value, entry, client: of }] of columns) {
      const [is = null, ...others] = (of === client ? ever : platforms).map((kept) => kept.columns?.[column] ?? null);
      if (is === value || others.includes(value)) continue;
      const known = typeof value === 'string' || typeof is === 'string' ? '' : `: ${is}, not ${value}`;
      this.#keep(now, client);
      this.#find('DIFFERS', now, client, entry, `${column} is not what was decided${known}`);
      return;
    }
  }

  #undecided(now: DecidedRow, client: string | undefined): void {
    this.#keep(now, client);
    this.#find('UNDECIDED', now, client, null, 'no entry of the ledger decided it');
  }

  #missing(decisions: Decisions): void {
    for (const decided of decisions.all()) {
      const { table, row, client, columns } = decided;
      if (this.#seen.has(decided) || mayBeErased.has(table) || table === 'customer') continue;
      if (decisions.hasEnded(client) || (table === 'legal_hold' && hasRunOut(columns))) continue;
      const entry = [...columns.values()]
        .map((column) => column.entry)
        .sort()
        .at(-1);
      this.#keep({ table, row, columns: null }, client);
      this.#find('MISSING', { table, row, columns: null }, client, entry ?? null, 'it was decided, and is not there');
    }
  }

  #keep(now: DecidedRow, client: string | undefined): void {
    this.undecided.set(client, [...(this.undecided.get(client) ?? []), now]);
  }

  #find(
    problem: RecordProblem,
    { table, row }: DecidedRow,
    client: string | undefined,
    entry: string | null,
    message: string,
  ): void {
    this.#findings.push({ problem, table, row, client: client ?? null, entry, message });
  }

  /** A client whose key is gone has nothing in force, and its decisions cannot be read. */
  async #isKeyless(client: string): Promise<boolean> {
    const known = this.#keyless.get(client);
    if (known !== undefined) return known;
    const keyless = await this.#parts.keys.derivedKey(client, 'audit-decision').then(
      () => false,
      (error: unknown) => {
        if (error instanceof ClientKeyError) return error.code === 'CLIENT_KEY_DESTROYED';
        throw error;
      },
    );
    this.#keyless.set(client, keyless);
    return keyless;
  }
}

const personFinding = ({ problem, client, customer, entry, message }: PersonFinding): RecordFinding => ({
  problem,
  table: 'customer',
  row: customer,
  client,
  entry,
  message,
});

/** The platform's own rows have no client. */
function clientOf({ client_id: id, about_client: about }: Raw): string | undefined {
  const client = id ?? about ?? undefined;
  return client === undefined || client === PLATFORM ? undefined : String(client);
}

/** Whether a hold was released or has expired; its row may then be gone with its person. */
function hasRunOut(columns: Decided['columns']): boolean {
  const released = columns.get('released_at')?.value ?? null;
  const until = columns.get('until')?.value ?? null;
  return released !== null || (typeof until === 'number' && until <= Date.now());
}
