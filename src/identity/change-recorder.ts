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
}

/**
 * Keeps changes to governance. Call it, and wait, *before* the change is made and outside any transaction: where it
 * cannot be recorded it must not happen.
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
export const unrecorded: ChangeRecorder = { record: async () => '' };
