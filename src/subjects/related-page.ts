import { type Connection, page, pageSize, positionOf } from '../api/paging';
import { cursorsOf } from '../identity/cursors';
import { type RequestContext, requireClient } from '../identity/request-context';
import type { DerivedKeys } from '../keys/derived-keys';
import type { KeyStore } from '../keys/key-store';
import type { Row } from '../tenancy/tenant-reader';
import type { Records, Relation } from './records';

const cursorKeys = Symbol('cursor keys');

const knownCursorKeys = ({ memory }: RequestContext) => memory.get(cursorKeys) as DerivedKeys | undefined;

/** Fetched once a request, since a page may contain as many pages as it has rows. */
export async function cursorKeysOf(keys: KeyStore, context: RequestContext): Promise<DerivedKeys> {
  const client = requireClient(context);
  const known = knownCursorKeys(context) ?? (await keys.derivedKeys(client.id, 'cursor'));
  context.memory.set(cursorKeys, known);
  return known;
}

/** A page of one parent's rows. */
export async function relatedPage<T extends object>(
  records: Records,
  keys: KeyStore,
  context: RequestContext,
  relation: Relation,
  parent: object,
  first?: number,
  after?: string,
): Promise<Connection<T>> {
  const size = pageSize(first);
  const known = knownCursorKeys(context) ?? (await cursorKeysOf(keys, context));
  const cursors = cursorsOf(context, known, relation.type, () => parentOf(relation, parent));
  const position = positionOf(after, cursors);
  const rows = await records.of(context, relation, parent, { limit: size + 1, after: position });
  return page(rows as unknown as T[], size, position, cursors, idOf);
}

/** The values of a parent that tie rows to it. */
const parentOf = (relation: Relation, parent: object): Row =>
  Object.fromEntries(Object.entries(relation.parent).map(([column, field]) => [column, (parent as Row)[field]]));

/** The order of a page's rows. */
export const idOf = (row: object): unknown => (row as Row).id;
