import { failureOf } from '../../storage/failures';

/** Codes with which a database refuses a statement before it writes anything. */
const refusals = new Set([
  // Read-only, see MySQL 8.4 Error Message Reference.
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
  'ER_READ_ONLY_MODE',
  'ER_INNODB_READ_ONLY',
  'SQLITE_READONLY',
  // There was no connection to send it on.
  'ECONNREFUSED',
  'ER_CON_COUNT_ERROR',
  'ER_TOO_MANY_USER_CONNECTIONS',
]);

/**
 * Whether a failure proves that the statement has written nothing and never will. After any other failure, such as a
 * lost connection, it may have been written, or may be yet.
 */
export function provesNothingWritten(error: unknown): boolean {
  const failure = failureOf(error);
  if (failure === 'FULL' || failure === 'CONFLICT') return true;
  const { driverError, code } = error as { driverError?: { code?: unknown }; code?: unknown };
  return refusals.has(String(driverError?.code ?? code));
}
