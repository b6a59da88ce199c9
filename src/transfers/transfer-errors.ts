import { GraphQLError } from 'graphql';
import type { Mismatch } from './suitability';

/** The mechanism does not fit this transfer. `fact` is the first field that fails, `facts` are all of them. */
export function unsuitable(mechanism: string, mismatches: readonly Mismatch[]): GraphQLError {
  const sentences = mismatches.map(({ fact, why }) => `"${fact}": ${why}`);
  return new GraphQLError(`${mechanism} does not carry this transfer. ${sentences.join('; ')}.`, {
    extensions: { code: 'TRANSFER_MECHANISM_UNSUITABLE', fact: mismatches[0]?.fact, facts: mismatches },
  });
}
