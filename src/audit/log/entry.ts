import type { Outcome } from '../../governance/govern';
import type { KeptDecision } from '../recording/references';

/** An entry as it is read back. Members that its kind does not have are undefined. */
export interface AuditEntry {
  readonly id: string;
  readonly kind: string;
  /** ISO 8601. */
  readonly time: string;
  readonly client: string | null;
  readonly log: string;
  readonly sequence: number;
  readonly principal?: string | null;
  /** Sealed, see references.ts. */
  readonly principalName?: string | null;
  readonly roles?: readonly string[];
  readonly purpose?: string | null;
  readonly permissions?: readonly string[];
  readonly operation?: string | null;
  readonly operationHash?: string | null;
  readonly coordinates?: { readonly [coordinate: string]: Outcome };
  readonly counts?: { readonly [outcome in Outcome]: number };
  readonly rowsWithheld?: readonly string[];
  readonly codes?: { readonly [code: string]: number };
  readonly subjects?: readonly string[];
  readonly country?: string | null;
  readonly transferBases?: readonly string[];
  readonly policyVersion?: string | null;
  readonly decision?: string | null;
  readonly microseconds?: number;
  readonly result?: string;
  readonly transport?: string;
  readonly details?: { readonly [name: string]: string | number | boolean | null };
  /** Rows as the change left them, see references.ts. */
  readonly decides?: readonly KeptDecision[];
  /** Of a LOG_OPENED entry: how many logs before it were not settled, and the root of the tree of their ends. */
  readonly earlier?: { readonly logs: number; readonly root: string };
  /** The same in entries of earlier versions: the last checkpoints themselves. */
  readonly before?: ReadonlyArray<{ readonly log: string; readonly size: number; readonly root: string }>;
}

/** An entry's row as SQL returns it. */
export interface EntryRow {
  readonly log_id: string;
  readonly sequence: number;
  readonly entry_id: string;
  readonly about_client: string | null;
  readonly body: Buffer;
  readonly leaf_hash: string;
  readonly checkpoint: string | null;
}

export const entryColumns = 'log_id, sequence, entry_id, about_client, body, leaf_hash, checkpoint';

export const entryOf = (body: Buffer): AuditEntry => JSON.parse(body.toString('utf8')) as AuditEntry;

/** The entry in a row's body; undefined where it holds none. */
export function entryIn(body: Buffer): AuditEntry | undefined {
  try {
    return entryOf(body);
  } catch {
    return undefined;
  }
}

/** The time in a UUIDv7, in milliseconds since 1970. */
export const timeOfId = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** The smallest UUIDv7 of a moment. */
export function firstIdAt(moment: Date): string {
  const hex = Math.max(0, moment.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
