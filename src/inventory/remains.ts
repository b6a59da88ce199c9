import type { DataSource } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import type { Gap } from './gap';

/** What stays of an erased person in one table. */
export interface Remains {
  readonly store: 'data' | 'keys';
  readonly table: string;
  /** The columns whose values were written for that person. */
  readonly columns: readonly string[];
  readonly what: string;
  /** What it tells, and to whom. */
  readonly tells: string;
  readonly until: string;
}

const LEDGER_END = 'its entry is pruned: 6 or 10 years (audit kinds)';
const CLIENT_END = "the client's end";

/**
 * Everything that stays of an erased person, in both stores. A test lives a life, erases it, and finds no other trace
 * of it in any table. docs/erasure.md has this list.
 */
export const remains: readonly Remains[] = [
  {
    store: 'data',
    table: 'audit_entry',
    columns: ['sequence', 'entry_id', 'body', 'leaf_hash', 'checkpoint'],
    what: 'what was done, when and by whom; the person as a digest under the key that is destroyed',
    tells: 'that entries are about one person, and to nobody about whom',
    until: LEDGER_END,
  },
  {
    store: 'data',
    table: 'audit_tile',
    columns: ['hashes'],
    what: 'hashes of entries',
    tells: 'nothing',
    until: LEDGER_END,
  },
  {
    store: 'data',
    table: 'erasure_request',
    columns: [
      'id',
      'requested_at',
      'completed_at',
      'due_at',
      'not_before',
      'replayed_at',
      'key_deleted_at',
      'final_at',
    ],
    what: 'that somebody was erased, when and on what grounds; the person’s id is removed',
    tells: 'nothing of whom',
    until: CLIENT_END,
  },
  {
    store: 'data',
    table: 'erasure_step',
    columns: ['request_id', 'finished_at'],
    what: 'how many rows of which table were erased',
    tells: 'nothing of whom',
    until: CLIENT_END,
  },
  {
    store: 'data',
    table: 'disclosure',
    columns: ['id', 'reference', 'requested_at', 'decided_at', 'told_at', 'subjects'],
    what: 'that an authority was given data; the person as a digest under the key that is destroyed',
    tells: 'to who keeps the authority’s order what stands in it',
    until: CLIENT_END,
  },
  {
    store: 'data',
    table: 'transfer_approval',
    columns: ['id', 'assessment', 'requested_at', 'valid_from', 'valid_until'],
    what: 'that a transfer was approved, and for how many people; who they are is removed',
    tells: 'nothing of whom',
    until: CLIENT_END,
  },
  {
    store: 'data',
    table: 'transfer_event',
    columns: ['approval_id', 'at'],
    what: 'who decided about that transfer',
    tells: 'nothing of whom',
    until: CLIENT_END,
  },
  {
    store: 'data',
    table: 'client_export',
    columns: ['id', 'requested_at', 'not_before', 'begun_at', 'ready_at', 'collect_by', 'removed_at'],
    what: 'that the client was exported while the person was there; the export’s key is destroyed',
    tells: 'nothing of whom',
    until: CLIENT_END,
  },
  {
    store: 'data',
    table: 'webhook_delivery',
    columns: ['id', 'reference', 'next_at', 'notified_at', 'acknowledged_at'],
    what: 'which recipients were told of the erasure, by the request’s id',
    tells: 'to the recipients, who knew the person, that it is erased',
    until: CLIENT_END,
  },
  {
    store: 'keys',
    table: 'erasure_ledger',
    columns: [
      ...['id', 'sealed_subject', 'subject_digest', 'request', 'requested_at', 'plan', 'planned_at', 'outcome'],
      ...['completed_at', 'certificate', 'replayed_at', 'key_deleted_at'],
    ],
    what: 'the record of the erasure; the person’s id, sealed under the client’s key, and its digest',
    tells: 'to Remit alone whom to erase again when an old backup of the data is put back',
    until: CLIENT_END,
  },
  {
    store: 'keys',
    table: 'erasure_tombstone',
    columns: ['digest', 'request_id', 'created_at'],
    what: 'digests of the person’s e-mail address, phone number, handle and external id, under the client’s key',
    tells: 'to Remit alone that who is imported was erased; what it does not know it cannot tell from a digest',
    until: CLIENT_END,
  },
  {
    store: 'keys',
    table: 'key_epoch',
    columns: ['root_id', 'next_root_id', 'wrapped', 'begun_at', 'ended_at', 'record', 'lease_until'],
    what: 'when the epoch of the erasure ended, and how many keys went with it',
    tells: 'nothing of whom',
    until: 'never removed',
  },
  {
    store: 'keys',
    table: 'client_key',
    columns: ['node', 'secret'],
    what: 'the keys above the person’s, made anew',
    tells: 'nothing: they open those who live',
    until: CLIENT_END,
  },
  {
    store: 'keys',
    table: 'bucket_key',
    columns: ['wrapped'],
    what: 'the same, of the some 256 people that the person was among',
    tells: 'nothing: they open those who live',
    until: CLIENT_END,
  },
  {
    store: 'keys',
    table: 'audit_head',
    columns: ['log_id', 'tree_size', 'checkpoint'],
    what: 'how far the audit ledger has come',
    tells: 'nothing',
    until: 'never removed',
  },
];

/** The list as a table in Markdown. */
export function remainsTable(): string {
  const rows = remains.map(({ store, table, columns, what, tells, until }) => {
    const names = columns.map((column) => `\`${column}\``).join(', ');
    return `| ${store}: \`${table}\` | ${names} | ${what} | ${tells} | ${until} |`;
  });
  return ['| where | columns | what it is | what it tells | until |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

/** Places of the list that a database does not have. */
export async function remainsGaps(store: Remains['store'], source: DataSource): Promise<Gap[]> {
  const live = await source.query<Array<{ owner: string; name: string }>>(dialectOf(source).columns);
  const known = new Set(live.map(({ owner, name }) => `${owner}.${name}`));
  return remains
    .filter((one) => one.store === store)
    .flatMap(({ table, columns }) => columns.map((column) => `${table}.${column}`))
    .filter((at) => !known.has(at))
    .map((at) => ({
      at,
      fault: 'is said to stay of erased people, but is no column',
      remedy: 'correct the list in src/inventory/remains.ts',
    }));
}
