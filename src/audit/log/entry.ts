import type { Outcome } from '../../governance/govern';
import type { KeptDecision } from '../references';

/** An entry as it is read back. What an entry of its kind does not say is undefined. */
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
  /** Of a LOG_OPENED: the last checkpoints of the logs before. */
  readonly before?: ReadonlyArray<{ readonly log: string; readonly size: number; readonly root: string }>;
}

/** Columns of an entry's row, as SQL gives them. */
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
