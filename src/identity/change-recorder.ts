import { Ambient } from '../connections/ambient';
import type { DecidedRow } from '../storage/decided-row';
import { notePeople, noteThings } from '../storage/noted-ids';
import { commitsSoFar, countingWrites, failedSince, OutcomeUnknownError } from '../storage/write-outcome';
import type { AuditKind } from './audit-kinds';

/** A change to governance, as the audit ledger keeps it. Details are facts about the change, never a person's data. */
export interface Change {
  /** The id of the client that it is about. */
  readonly client?: string | undefined;
  /** Who makes it (`sub`), or the name of the task. It is stored sealed. */
  readonly principal: string;
  /** The data subject's id. Only a reference is kept, made with the subject's key: record it while the key exists. */
  readonly subject?: string | undefined;
  /** References of further data subjects, made before. */
  readonly references?: readonly string[];
  readonly purpose?: string | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  /** Rows as the change leaves them. `remit audit verify --records` compares the database with them. */
  readonly decides?: readonly DecidedRow[];
}

/**
 * Records changes to governance. Call it *before* the change, outside any transaction, and wait: a change that cannot
 * be recorded must not happen. {@link changing} does both in this order.
 */
export interface ChangeRecorder {
  /**
   * @returns the entry's id, once the entry is durable
   * @throws {GraphQLError} AUDIT_UNAVAILABLE
   */
  record(kind: AuditKind, change: Change): Promise<string>;
}

/** Records nothing: for temporary installations without a ledger. */
export const unrecorded: ChangeRecorder = {
  record: async (kind) => {
    noteRecorded(kind);
    return '';
  },
};

/**
 * Records a change, then makes it. If the change fails, that is recorded too, so the ledger always says what is in
 * force.
 */
export async function changing<T>(
  recorder: ChangeRecorder,
  kind: AuditKind,
  change: Change,
  make: () => Promise<T>,
): Promise<T> {
  noteIdsOf(change);
  const entry = await recorder.record(kind, change);
  return countingWrites(async () => {
    const before = commitsSoFar();
    try {
      return await make();
    } catch (error) {
      const { client, principal } = change;
      const outcome = outcomeOf(error, failedSince(before));
      const details = { entry, kind, ...(outcome && { outcome }) };
      await recorder.record(CHANGE_FAILED, { client, principal, details });
      throw error;
    }
  });
}

/** What the change says of the rows that it makes or changes. */
function noteIdsOf({ subject, details, decides = [] }: Change): void {
  const people = [subject, ...decides.map((decided) => decided.subject)];
  notePeople(...people.filter((id) => id !== undefined));
  const rows = decides.flatMap((decided) => (decided.subject === undefined ? decided.row : []));
  noteThings(...(typeof details?.record === 'string' ? [details.record] : []), ...rows);
}

/** Undefined where nothing was changed. */
function outcomeOf(error: unknown, hasCommitted: boolean): 'UNKNOWN' | 'PARTLY' | undefined {
  if (error instanceof OutcomeUnknownError) return 'UNKNOWN';
  return hasCommitted ? 'PARTLY' : undefined;
}

/**
 * Says that the change of an earlier entry, `details.entry`, failed. It was not made, unless `details.outcome` says
 * that it was made in part, or that this is unknown.
 */
export const CHANGE_FAILED = 'CHANGE_FAILED';

const recordings = new Ambient<Set<AuditKind>>();

/** Runs a function, and returns the kinds of entries that it recorded. */
export async function watchingEntries<T>(run: () => Promise<T>): Promise<{ result: T; kinds: ReadonlySet<AuditKind> }> {
  const kinds = new Set<AuditKind>();
  return { result: await recordings.run(kinds, run), kinds };
}

/** To be called by recorders when an entry is durable. */
export function noteRecorded(kind: AuditKind): void {
  recordings.get()?.add(kind);
}
