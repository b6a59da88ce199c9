import { GraphQLError } from 'graphql';
import type { MiddlewareFn } from 'type-graphql';
import { tallyingWrites, type WriteOutcome } from '../storage/write-outcome';
import type { RequestContext } from './request-context';

/** A mutation failed for a reason that callers are not told. */
export class WriteFailedError extends Error {
  override readonly name = 'WriteFailedError';

  constructor(
    readonly write: WriteOutcome,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : 'A mutation failed.', { cause });
  }
}

/**
 * Notes what became of a mutation's write, and says it in its error as `extensions.write` (docs/writes.md). A refusal
 * needs no such word where nothing was done.
 */
export const tellingOutcome: MiddlewareFn<RequestContext> = ({ context, info }, next) => {
  const write = () => told(context, next);
  return context.once ? context.once({ info, context, write }) : write();
};

const told = (context: RequestContext, next: () => Promise<unknown>): Promise<unknown> =>
  tallyingWrites(async (tally) => {
    try {
      const result = await next();
      context.notes?.writes?.push('DONE');
      return result;
    } catch (error) {
      const { outcome } = tally;
      context.notes?.writes?.push(outcome);
      if (!(error instanceof GraphQLError)) throw new WriteFailedError(outcome, error);
      const { code } = error.extensions;
      if (outcome === 'NOT_DONE' && code !== 'AUDIT_UNAVAILABLE') throw error;
      const told = new GraphQLError(error.message, { extensions: { ...error.extensions, write: outcome } });
      throw Object.assign(told, { cause: error });
    }
  });
