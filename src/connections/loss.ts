import { StoreUnavailableError } from './errors';

/** Servers say these before they close a connection, or instead of serving it. They did nothing. */
const refusals = new Set([
  1047, // Galera: the node is in no primary component
  1053, // it shuts down
  1290, // --read-only, and other options that forbid a statement
  1836, // it is read-only
  1874, // InnoDB is read-only
  1927, // MariaDB: the connection was killed
  3032, // it is offline
  3168, // it is not available
  3169, // the session was killed
]);

/** ER_LOCK_WAIT_TIMEOUT. What locks nothing gets it from a node of Galera that cannot catch up with the others. */
const LOCK_WAIT = 1205;

/** What mysql2's errors have. */
interface DriverError {
  readonly fatal?: boolean;
  readonly errno?: number;
}

/**
 * Whether the server, or the way to it, gave up on a connection. Another server may do better.
 * @param locks whether the statement may have waited for a lock
 */
export function isConnectionLost(error: unknown, locks: boolean): boolean {
  if (error instanceof StoreUnavailableError) return false;
  const { fatal = false, errno = 0 } = (error ?? {}) as DriverError;
  return fatal || refusals.has(errno) || (errno === LOCK_WAIT && !locks);
}

/** ER_MAX_PREPARED_STMT_COUNT_REACHED. */
const NO_MORE_STATEMENTS = 1461;

/** Whether the server keeps as many prepared statements as it may, of all its callers, and did nothing. */
export const keepsNoMoreStatements = (error: unknown): boolean =>
  ((error ?? {}) as DriverError).errno === NO_MORE_STATEMENTS;
