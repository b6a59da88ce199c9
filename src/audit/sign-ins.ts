import { InvalidTokenError } from '../identity/token-errors';
import type { TokenVerifier } from '../identity/tokens';
import type { AuditTrail } from './trail';

/** A verifier whose refusals are counted in the ledger (statement G3). */
export function watchedVerifier(verifier: TokenVerifier, trail: Pick<AuditTrail, 'signInFailed'>): TokenVerifier {
  return {
    async verify(bearer) {
      try {
        return await verifier.verify(bearer);
      } catch (error) {
        // The words are the verifier's own, a dozen sentences with the configured names of claims: nothing of the token.
        if (error instanceof InvalidTokenError) trail.signInFailed(error.message);
        throw error;
      }
    },
  };
}
