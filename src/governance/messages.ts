import { GraphQLError } from 'graphql';
import { internalError } from './errors';
import { isWithheldError } from './guards';

/** Names that stand in a message are the sender's to choose, and a name has no greatest length. */
const MOST_CHARACTERS = 1_000;

/** What the executor says of an operation to its caller: of the place, and of nothing that was read. */
export class PlaceError extends Error {}

/** A validation error as it may be answered: place, type and code. The rules that made it repeat no value. */
export function invalidDocument({ message, source, positions }: GraphQLError): GraphQLError {
  const extensions = { code: 'GRAPHQL_VALIDATION_FAILED' };
  return new GraphQLError(bounded(withoutSuggestion(message)), { source, positions, extensions });
}

/** Versions of graphql before 16.10 name what else the schema has, which a caller may not be meant to learn. */
const withoutSuggestion = (message: string): string => message.replace(/ Did you mean .*$/s, '');

/**
 * A field's error as it may be answered. Only errors that a resolver made for its caller (a GraphQLError with a code)
 * keep their words; whatever else was thrown, and whatever the executor says of a value, stays inside.
 * @returns undefined for an error that another one already reports
 */
export function fieldError(error: GraphQLError, onInternal: (error: unknown) => void): GraphQLError | undefined {
  const original = error.originalError ?? error;
  if (isWithheldError(original) || isWithheldError(error)) return undefined;
  const { path } = error;
  if (original instanceof GraphQLError && typeof original.extensions?.code === 'string') {
    return new GraphQLError(bounded(original.message), { path, extensions: original.extensions });
  }
  if (original instanceof PlaceError) {
    return new GraphQLError(original.message, { path, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  }
  onInternal(error.originalError ?? error);
  return internalError(path);
}

const bounded = (message: string): string =>
  message.length <= MOST_CHARACTERS ? message : `${message.slice(0, MOST_CHARACTERS - 1)}…`;
