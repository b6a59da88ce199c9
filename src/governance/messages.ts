import { GraphQLError } from 'graphql';
import { isWithheldError } from './guards';

/** Messages contain names that the sender chose, which may have any length. */
const MOST_CHARACTERS = 1_000;

/** An error of the executor that may be answered: it names the place, and nothing that was read. */
export class PlaceError extends Error {}

/** A validation error as it may be answered. The rules that made it repeat no value. */
export function invalidDocument({ message, source, positions }: GraphQLError): GraphQLError {
  const extensions = { code: 'GRAPHQL_VALIDATION_FAILED' };
  return new GraphQLError(bounded(withoutSuggestion(message)), { source, positions, extensions });
}

/** Older versions of graphql 16 suggest other names of the schema, which the caller may not be meant to know. */
const withoutSuggestion = (message: string): string => message.replace(/ Did you mean .*$/s, '');

/**
 * A field's error as it may be answered. Only an error that a resolver made for callers (a GraphQLError with a code)
 * keeps its message.
 * @param told makes the error for anything else
 * @returns undefined for an error that another one already reports
 */
export function fieldError(
  error: GraphQLError,
  told: (error: unknown, path: GraphQLError['path']) => GraphQLError,
): GraphQLError | undefined {
  const original = error.originalError ?? error;
  if (isWithheldError(original) || isWithheldError(error)) return undefined;
  const { path } = error;
  if (original instanceof GraphQLError && typeof original.extensions?.code === 'string') {
    return new GraphQLError(bounded(original.message), { path, extensions: original.extensions });
  }
  if (original instanceof PlaceError) {
    return new GraphQLError(original.message, { path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  }
  return told(error.originalError ?? error, path);
}

const bounded = (message: string): string =>
  message.length <= MOST_CHARACTERS ? message : `${message.slice(0, MOST_CHARACTERS - 1)}…`;
