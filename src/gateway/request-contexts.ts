import type { TokenClaims } from '../identity/caller';
import type { RequestContext } from '../identity/request-context';
import type { ServerOptions } from './server-options';

/**
 * What resolvers see of a request, and what is decided on. The header may state no purpose while the document does, by
 * its directive: rights are then those for that purpose, or a grant's scope and an agreement's clauses would not apply.
 */
export async function contextFor(
  options: Pick<ServerOptions, 'contextFor'>,
  claims: TokenClaims,
  purpose: string | undefined,
): Promise<RequestContext> {
  const context = await options.contextFor(claims, purpose);
  const forPurpose = (stated: string) => context.accessFor(stated);
  return { ...context, access: { forPurpose, ...context.access } };
}
