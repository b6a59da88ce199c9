import { Arg, Ctx, ID, Resolver, Root, Subscription } from 'type-graphql';
import type { DataSource } from 'typeorm';
import { denied, type RequestContext } from '../../identity/request-context';
import { ChangeFeed, type Outages, type Watched } from '../../jobs/change-feed';
import type { EventStream } from '../../jobs/event-stream';
import { shapedId } from '../../storage/ids';
import type { Regions } from '../../storage/regions';
import type { Row } from '../../tenancy/tenant-reader';
import { overseen, requestOf } from './erasure-request-resolver';
import { ErasureRequest } from './erasure-request-types';
import { type RequestName, readProgressOf } from './watched-requests';

/** How often watched requests are looked at, in milliseconds. Any replica can change them. */
const EVERY_MS = 1_000;

type FollowedRequest = ReturnType<typeof requestOf>;
/** A request as its subscribers know it. */
type Request = Watched<string, FollowedRequest>;

/** The changes of erasure requests, by whichever replica they are made. All that are watched are read together. */
export class ErasureChanges {
  readonly #regions: Regions;
  readonly #outages: Outages;
  readonly #feeds = new Map<DataSource, ChangeFeed<string, FollowedRequest>>();

  constructor(regions: Regions, outages: Outages) {
    this.#regions = regions;
    this.#outages = outages;
  }

  /** A request now and at each change, up to its end. @throws {GraphQLError} NOT_FOUND */
  async of(client: string, id: string): Promise<EventStream<FollowedRequest>> {
    const source = await this.#regions.of(client);
    const look = (requests: readonly Request[]) => lookAt(source, requests);
    const feed = this.#feeds.get(source) ?? new ChangeFeed({ everyMs: EVERY_MS, look, outages: this.#outages });
    this.#feeds.set(source, feed);
    // An id that the engine cannot compare would fail the look of all.
    return feed.subscribe(keyOf({ client, id: shapedId(id) }));
  }
}

const keyOf = ({ client, id }: RequestName): string => `${client} ${id}`;

function nameOf(key: string): RequestName {
  const between = key.indexOf(' ');
  return { client: key.slice(0, between), id: key.slice(between + 1) };
}

async function lookAt(source: DataSource, requests: readonly Request[]): Promise<void> {
  const found = new Map(
    (
      await readProgressOf(
        source,
        requests.map(({ key }) => nameOf(key)),
      )
    ).map((one) => [keyOf(one.state), one]),
  );
  for (const request of requests) {
    const progress = found.get(request.key);
    if (!progress) {
      request.fail(denied.notFound('erasure request'));
      continue;
    }
    const isNews = request.state !== progress.mark;
    request.state = progress.mark;
    request.greeting = requestOf(progress.state);
    if (isNews) request.tell(request.greeting);
    if (progress.isOver) request.end();
  }
}

/** The subscription's resolver. type-graphql hands `subscribe` no instance, so the class is made around a service. */
export function erasureRequestSubscription(requests: ErasureChanges): object {
  @Resolver()
  class ErasureSubscription {
    @Subscription(() => ErasureRequest, {
      description: 'A request now and at each change, up to its end; on whichever replica the change is made.',
      subscribe: ({ args, context }) => requests.of(overseen(context as RequestContext), String(args.id)),
    })
    erasureRequestChanged(
      @Arg('id', () => ID) _id: string,
      @Root() request: Row,
      @Ctx() context: RequestContext,
    ): ErasureRequest {
      if (overseen(context) !== request.clientId) throw denied.client();
      return request as unknown as ErasureRequest;
    }
  }
  return new ErasureSubscription();
}
