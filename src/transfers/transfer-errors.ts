import { GraphQLError } from 'graphql';
import type { Misfit } from './suitability';

/** The mechanism does not carry this transfer: `fact` is the first field that fails, `facts` are all of them. */
export function unsuitable(mechanism: string, misfits: readonly Misfit[]): GraphQLError {
  const sentences = misfits.map(({ fact, why }) => `"${fact}": ${why}`);
  return new GraphQLError(`${mechanism} does not carry this transfer. ${sentences.join('; ')}.`, {
    extensions: { code: 'TRANSFER_MECHANISM_UNSUITABLE', fact: misfits[0]?.fact, facts: misfits },
  });
}
