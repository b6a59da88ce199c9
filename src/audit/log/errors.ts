import { GraphQLError } from 'graphql';

/** What cannot be recorded is not done, and what was read is not given (statement G1). */
export function auditUnavailable(cause?: unknown): GraphQLError {
  const error = new GraphQLError(
    'The audit ledger cannot be written just now, so nothing governed is given; try again.',
    {
      extensions: { code: 'AUDIT_UNAVAILABLE', http: { status: 503 } },
    },
  );
  return cause === undefined ? error : Object.assign(error, { cause });
}

export const isAuditUnavailable = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError && error.extensions.code === 'AUDIT_UNAVAILABLE';
