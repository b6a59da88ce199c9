import type { CursorSeal } from '../api/paging';
import type { RequestContext } from './request-context';

/**
 * What seals the cursors of a connection. A cursor is good where it was given and nowhere else: to the same principal,
 * for the same purpose, in the same connection of the same client under the same filter. Elsewhere it would tell which
 * row of one answer is which of another, such as whose a pseudonymous row is.
 * @param key of the client, or of the platform where the connection is over clients
 * @param connection `Type.field`
 * @param of tells this connection from others of the field: the row that it hangs on, its filter
 */
export function cursorsOf(
  context: RequestContext,
  key: Buffer,
  connection: string,
  of?: () => object | null | undefined,
): CursorSeal {
  const { claims, client, decision, access } = context;
  let place: string | undefined;
  return {
    key,
    // Made when it is asked for: most pages are read for their nodes.
    place: () => {
      place ??= JSON.stringify([
        connection,
        said(of?.()),
        client?.id ?? null,
        decision?.purpose ?? access.purpose ?? null,
        claims.subject,
      ]);
      return place;
    },
  };
}

/** What a filter says, in one order; what it leaves out or says null of limits nothing. */
function said(of: object | null | undefined): Array<[string, unknown]> {
  const given = Object.entries(of ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return given.sort(([one], [other]) => (one < other ? -1 : 1));
}
