import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql';
import { type Connection, page, pageSize, positionOf } from '../api/paging';
import { cursorsOf } from '../identity/cursors';
import { type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { administration } from '../identity/roles';
import type { KeyStore } from '../keys/key-store';
import { ClientNotice, ClientNoticeConnection } from './client-notice';
import type { Notices } from './notices';

/** Notices of the platform, for the client's officers. */
@Resolver()
export class NoticeResolver {
  constructor(
    private readonly notices: Notices,
    private readonly keys: KeyStore,
  ) {}

  @Query(() => ClientNoticeConnection, { name: 'notices', description: 'Notices from the platform, newest first.' })
  async noticesPage(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<ClientNotice>> {
    requireRole(context, ...administration);
    const { id } = requireClient(context);
    const size = pageSize(first);
    const cursors = cursorsOf(context, await this.keys.derivedKeys(id, 'cursor'), 'Query.notices');
    const position = positionOf(after, cursors);
    const rows = (await this.notices.list(id, size + 1, position)) as unknown as ClientNotice[];
    return page(rows, size, position, cursors, (notice) => notice.id);
  }
}
