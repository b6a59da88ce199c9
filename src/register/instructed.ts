import type { InstructedAct } from '../identity/client-instruction';
import { denied, type RequestContext, requireClient } from '../identity/request-context';

/**
 * Lets the platform act on a client only by that client's own order (statement R1): the token names the client, and an
 * instruction in force names the act.
 * @returns the client
 * @throws {GraphQLError} FORBIDDEN
 */
export function requireInstructed(context: RequestContext, act: InstructedAct): { readonly id: string } {
  const client = requireClient(context);
  if (context.instructedTo?.(act)) return client;
  throw denied.forbidden(`This needs an instruction of the client, in force, that names the act ${act}.`);
}

/**
 * The client that a mutation means: the one that the token names, and no other.
 * @param reference its id or slug
 * @throws {GraphQLError} FORBIDDEN, NOT_FOUND
 */
export function requireTokensClient(context: RequestContext, reference: string): { readonly id: string } {
  const client = requireClient(context);
  if (reference !== client.id && reference !== client.slug) throw denied.notFound('client');
  return client;
}
