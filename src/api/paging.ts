import { GraphQLError } from 'graphql';
import { type ClassType, Directive, Field, ObjectType } from 'type-graphql';
import type { DerivedKeys } from '../keys/derived-keys';
import { openCursor, sealCursor } from './cursor';

const DEFAULT_PAGE = 20;
const MAX_PAGE = 500;

const paging = 'part of paging, not of a person';

@ObjectType({ description: 'Where a page ends (Relay cursor connections).', simpleResolvers: true })
class PageInfo {
  @Field(() => Boolean)
  hasNextPage: boolean;

  @Field(() => Boolean)
  hasPreviousPage: boolean;

  @Field(() => String, { nullable: true })
  startCursor: string | null;

  @Field(() => String, { nullable: true })
  endCursor: string | null;
}

export interface Connection<T> {
  readonly edges: ReadonlyArray<{ readonly cursor: string; readonly node: T }>;
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
}

/** The connection and edge types of a node type, as Relay names them. */
export function connectionOf<T extends object>(node: ClassType<T>, name: string): ClassType<Connection<T>> {
  @ObjectType(`${name}Edge`, { simpleResolvers: true })
  class Edge {
    @Directive(`@nonPersonal(because: ${JSON.stringify(paging)})`)
    @Field(() => String, { description: 'Encrypted: it tells nothing of the node.' })
    cursor: string;

    @Field(() => node)
    node: T;
  }

  @ObjectType(`${name}Connection`, { simpleResolvers: true })
  class NodeConnection {
    @Field(() => [Edge])
    edges: Edge[];

    @Field(() => [node])
    nodes: T[];

    @Field(() => PageInfo)
    pageInfo: PageInfo;
  }
  return NodeConnection;
}

/** A page, as resolvers give it, and as it is written. */
export interface Page<T extends object> extends Connection<T> {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorOf(index: number): string;
  /** The page of what is made of each row; each must have the row's position. */
  map<U extends object>(make: (row: T) => U): Page<U>;
}

export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** Seals and opens the cursors of one connection. */
export interface CursorSeal {
  /** New ones are sealed with the current key; any of them opens one. */
  readonly keys: DerivedKeys;
  /** Where its cursors are valid: they open nowhere else. */
  place(): string;
}

/** The size of a page, at most MAX_PAGE. @throws {GraphQLError} BAD_USER_INPUT */
export function pageSize(first: number | null | undefined): number {
  const size = first ?? DEFAULT_PAGE;
  if (size >= 0 && size <= MAX_PAGE) return size;
  throw new GraphQLError(`"first" must be between 0 and ${MAX_PAGE}.`, { extensions: { code: 'BAD_USER_INPUT' } });
}

/**
 * A page of rows that were fetched with a limit of `size + 1`.
 * @param position the position of a row, for a page to start after
 */
export function page<T extends object>(
  rows: readonly T[],
  size: number,
  after: string | undefined,
  cursors: CursorSeal,
  position: (row: T) => unknown,
): Page<T> {
  return new LazyConnection(rows, size, after !== undefined, cursors, position as (row: object) => unknown);
}

/** Edges are made on demand: most pages are read for their nodes. */
class LazyConnection<T extends object> implements Page<T> {
  readonly nodes: readonly T[];
  #edges: ReadonlyArray<LazyEdge<T>> | undefined;

  constructor(
    private readonly rows: readonly T[],
    private readonly size: number,
    readonly hasPreviousPage: boolean,
    private readonly cursors: CursorSeal,
    private readonly position: (row: object) => unknown,
  ) {
    this.nodes = rows.length > size ? rows.slice(0, size) : rows;
  }

  get hasNextPage(): boolean {
    return this.rows.length > this.size;
  }

  get pageInfo(): PageInfo {
    return new LazyPageInfo(this.hasNextPage, this.hasPreviousPage, this);
  }

  cursorOf(index: number): string {
    return sealCursor(this.cursors.keys.current, this.position(this.nodes[index] as T), this.cursors.place());
  }

  map<U extends object>(make: (row: T) => U): Page<U> {
    return new LazyConnection(this.rows.map(make), this.size, this.hasPreviousPage, this.cursors, this.position);
  }

  get edges(): ReadonlyArray<LazyEdge<T>> {
    this.#edges ??= this.nodes.map((node, index) => new LazyEdge(node, this, index));
    return this.#edges;
  }
}

/** Cursors are sealed on demand: most pages are read for their nodes. */
class LazyEdge<T extends object> {
  constructor(
    readonly node: T,
    private readonly page: Pick<Page<T>, 'cursorOf'>,
    private readonly index: number,
  ) {}

  get cursor(): string {
    return this.page.cursorOf(this.index);
  }
}

class LazyPageInfo implements PageInfo {
  constructor(
    readonly hasNextPage: boolean,
    readonly hasPreviousPage: boolean,
    private readonly connection: Pick<Connection<object>, 'edges'>,
  ) {}

  get startCursor(): string | null {
    return this.connection.edges[0]?.cursor ?? null;
  }

  get endCursor(): string | null {
    return this.connection.edges.at(-1)?.cursor ?? null;
  }
}

/** The position in a cursor. @throws {GraphQLError} BAD_USER_INPUT for a cursor of another place */
export function positionOf(cursor: string | null | undefined, { keys, place }: CursorSeal): string | undefined {
  if (cursor === null || cursor === undefined) return undefined;
  try {
    return String(openCursor(keys.all, cursor, place()));
  } catch {
    throw new GraphQLError('"after" is no cursor that you were given here, for this purpose and filter.', {
      extensions: { code: 'BAD_USER_INPUT' },
    });
  }
}
