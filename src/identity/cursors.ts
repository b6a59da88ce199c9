import type { CursorSeal } from '../api/paging';
import type { DerivedKeys } from '../keys/derived-keys';
import type { RequestContext } from './request-context';

/**
 * The seal of a connection's cursors. A cursor is valid only where it was given: for the same principal and purpose, in
 * the same connection of the same client, under the same filter. Elsewhere it would link rows of two answers, such as a
 * pseudonymous row with the person.
 * @param keys of the client, or of the platform where the connection is over clients
 * @param connection `Type.field`
 * @param of what tells this connection from others of the field: its parent row, its filter
 */
export function cursorsOf(
  context: RequestContext,
  keys: DerivedKeys,
  connection: string,
  of?: () => object | null | undefined,
): CursorSeal {
  const { claims, client, decision, access } = context;
  let place: string | undefined;
  return {
    keys,
    // Made on demand: most pages are read for their nodes.
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

/** A filter in canonical order, without absent and null fields. */
function said(of: object | null | undefined): Array<[string, unknown]> {
  const given = Object.entries(of ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return given.sort(([one], [other]) => (one < other ? -1 : 1));
}
