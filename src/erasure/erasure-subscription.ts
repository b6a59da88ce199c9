import { setTimeout as sleep } from 'node:timers/promises';
import { Arg, ID, Resolver, Root, Subscription } from 'type-graphql';
import { denied, type RequestContext } from '../identity/request-context';
import type { Row } from '../tenancy/tenant-reader';
import { overseen, requestOf } from './erasure-resolver';
import { ErasureRequest } from './erasure-types';
import type { ErasureModule } from './module';
import { isFinal } from './requests';

/** How soon a change made by any replica is told, in milliseconds. */
const EVERY_MS = 500;

/**
 * The subscription's resolver. type-graphql hands its `subscribe` no instance, so the class is made around the room.
 */
export function erasureSubscription(room: ErasureModule): object {
  @Resolver()
  class ErasureSubscription {
    @Subscription(() => ErasureRequest, {
      description: 'A request now and at each change, up to its end; on whichever replica the change is made.',
      subscribe: ({ args, context }) => changes(room, context as RequestContext, String(args.id)),
    })
    erasureRequestChanged(@Arg('id', () => ID) _id: string, @Root() event: Row): ErasureRequest {
      return event as unknown as ErasureRequest;
    }
  }
  return new ErasureSubscription();
}

async function* changes(room: ErasureModule, context: RequestContext, id: string): AsyncGenerator<ErasureRequest> {
  const client = overseen(context);
  let seen = '';
  for (;;) {
    const state = await room.erasures.find(client, id);
    if (!state) throw denied.notFound('erasure request');
    const steps = await room.erasures.steps(client, id);
    const recipients = await room.erasures.recipients(client, id);
    const now = JSON.stringify([state, steps, recipients]);
    if (now !== seen) yield requestOf(state);
    seen = now;
    if (isFinal(state.status) && recipients.every(({ status }) => status !== 'QUEUED' && status !== 'NOTIFIED')) return;
    await sleep(EVERY_MS);
  }
}
