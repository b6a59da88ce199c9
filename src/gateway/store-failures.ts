import { GraphQLError } from 'graphql';
import { WriteFailedError } from '../identity/told-outcome';
import { failureOf } from '../storage/failures';
import { gatewayErrors } from './errors';
import { sayingOutcome } from './told-writes';

/** In how many seconds a caller should try again: about as long as a database takes to fail over. */
export const RETRY_AFTER_S = '5';

/**
 * What callers are told of a database's failure: that it is away or full (503 over HTTP), or that others changed the
 * same at the same time. A mutation's error says what became of the write, whatever has failed.
 * @returns undefined for any other error
 */
export function wordsForFailure(error: unknown): GraphQLError | undefined {
  const words = wordsFor(error);
  if (!(error instanceof WriteFailedError)) return words;
  const { message, code } = gatewayErrors.internal();
  return words
    ? sayingOutcome(words.message, words.extensions, error.write)
    : sayingOutcome(`${message}.`, { code }, error.write);
}

function wordsFor(error: unknown): GraphQLError | undefined {
  switch (failureOf(error)) {
    case 'UNAVAILABLE':
      return unavailable('A database does not answer at the moment; try again.');
    case 'FULL':
      return unavailable('A database has no room left; try again later.');
    case 'CONFLICT':
      return new GraphQLError('Others changed the same at the same time, and this was undone; try again.', {
        extensions: { code: 'CONFLICT' },
      });
    default:
      return undefined;
  }
}

const unavailable = (message: string) => new GraphQLError(message, { extensions: { code: 'SERVICE_UNAVAILABLE' } });
