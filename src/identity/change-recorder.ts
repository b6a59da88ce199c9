import { AsyncLocalStorage } from 'node:async_hooks';
import type { DecidedRow } from '../storage/decided-row';

/** A change to governance, as the audit ledger keeps it. Details are facts about the change, never a person's data. */
export interface Change {
  /** The id of the client that it is about. */
  readonly client?: string | undefined;
  /** Who makes it (`sub`), or the name of the task that does. It is kept sealed. */
  readonly principal: string;
  /** The data subject's id; only a reference is kept, which dies with the subject's key. Say it while the key lives. */
  readonly subject?: string | undefined;
  /** More data subjects, by references that were made before. */
  readonly references?: readonly string[];
  readonly purpose?: string | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  /** Rows as the change leaves them, which `remit audit verify --records` holds the database against. */
  readonly decides?: readonly DecidedRow[];
}

/**
 * Keeps changes to governance. Call it, and wait, *before* the change is made and outside any transaction: where it
 * cannot be recorded it must not happen. {@link changing} does both in their order.
 */
export interface ChangeRecorder {
  /**
   * @param kind upper-case words joined by underscores, such as `GRANT_GIVEN`
   * @returns the entry's id, once the entry is durable
   * @throws {GraphQLError} AUDIT_UNAVAILABLE
   */
  record(kind: string, change: Change): Promise<string>;
}

/** Keeps nothing: for scratch installations without a ledger. */
export const unrecorded: ChangeRecorder = {
  record: async (kind) => {
    noteRecorded(kind);
    return '';
  },
};

/**
 * Records a change, then makes it; where it could not be made, that is on record too: what the ledger decided last is
 * what is in force.
 */
export async function changing<T>(
  recorder: ChangeRecorder,
  kind: string,
  change: Change,
  make: () => Promise<T>,
): Promise<T> {
  const entry = await recorder.record(kind, change);
  try {
    return await make();
  } catch (error) {
    const { client, principal } = change;
    await recorder.record(CHANGE_FAILED, { client, principal, details: { entry, kind } });
    throw error;
  }
}

/** Says of an entry before it, `details.entry`, that its change was not made. */
export const CHANGE_FAILED = 'CHANGE_FAILED';

const recordings = new AsyncLocalStorage<Set<string>>();

/** Runs something, and tells which kinds of entries it left. */
export async function watchingEntries<T>(run: () => Promise<T>): Promise<{ result: T; kinds: ReadonlySet<string> }> {
  const kinds = new Set<string>();
  return { result: await recordings.run(kinds, run), kinds };
}

/** For recorders alone: an entry is durable. */
export function noteRecorded(kind: string): void {
  recordings.getStore()?.add(kind);
}
