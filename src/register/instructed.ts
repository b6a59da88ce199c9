import type { InstructedAct } from '../identity/client-instruction';
import { denied, type RequestContext, requireClient } from '../identity/request-context';

/**
 * Lets the platform act on a client only by the client's instruction (statement R1): the token must name the client,
 * and an instruction in force must name the act.
 * @returns the client
 * @throws {GraphQLError} FORBIDDEN
 */
export function requireInstructed(context: RequestContext, act: InstructedAct): { readonly id: string } {
  const client = requireClient(context);
  if (context.instructedTo?.(act)) return client;
  throw denied.forbidden(`This needs an instruction of the client, in force, that names the act ${act}.`);
}

/**
 * The client of a mutation. It must be the one that the token names.
 * @param reference its id or slug
 * @throws {GraphQLError} FORBIDDEN, NOT_FOUND
 */
export function requireTokensClient(context: RequestContext, reference: string): { readonly id: string } {
  const client = requireClient(context);
  if (reference !== client.id && reference !== client.slug) throw denied.notFound('client');
  return client;
}
