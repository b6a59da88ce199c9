import { setTimeout as sleep } from 'node:timers/promises';
import { Arg, ID, Resolver, Root, Subscription } from 'type-graphql';
import { denied, type RequestContext } from '../../identity/request-context';
import type { Row } from '../../tenancy/tenant-reader';
import { overseen, requestOf } from './erasure-request-resolver';
import { ErasureRequest } from './erasure-request-types';
import type { ErasureRequests } from './erasure-requests';
import { isFinal } from './request-state';

/** Milliseconds between two looks for changes, which any replica can make. */
const EVERY_MS = 500;

/**
 * The subscription's resolver. type-graphql hands its `subscribe` no instance, so the class is made around the service.
 */
export function erasureRequestSubscription(requests: ErasureRequests): object {
  @Resolver()
  class ErasureSubscription {
    @Subscription(() => ErasureRequest, {
      description: 'A request now and at each change, up to its end; on whichever replica the change is made.',
      subscribe: ({ args, context }) => changes(requests, context as RequestContext, String(args.id)),
    })
    erasureRequestChanged(@Arg('id', () => ID) _id: string, @Root() event: Row): ErasureRequest {
      return event as unknown as ErasureRequest;
    }
  }
  return new ErasureSubscription();
}

async function* changes(
  requests: ErasureRequests,
  context: RequestContext,
  id: string,
): AsyncGenerator<ErasureRequest> {
  const client = overseen(context);
  let seen = '';
  for (;;) {
    const state = await requests.find(client, id);
    if (!state) throw denied.notFound('erasure request');
    const steps = await requests.steps(client, id);
    const recipients = await requests.recipients(client, id);
    const now = JSON.stringify([state, steps, recipients]);
    if (now !== seen) yield requestOf(state);
    seen = now;
    if (isFinal(state.status) && recipients.every(({ status }) => status !== 'QUEUED' && status !== 'NOTIFIED')) return;
    await sleep(EVERY_MS);
  }
}
