import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import type { Access, Decision, RowRefusal } from '../governance/govern';
import type { WriteOutcome } from '../storage/write-outcome';
import type { Role, TokenClaims } from './caller';
import type { RecipientReference } from './recipient';
import type { SubjectState } from './subject-state';

/** A row rule that is asked about people whose data is not given. */
export interface Prospect {
  readonly row: NonNullable<Access['row']>;
  /** People whom approvals of transfers name: of them the rule may say otherwise than of others in their state. */
  readonly named: ReadonlySet<string>;
}

/** One request, as resolvers see it. */
export interface RequestContext {
  readonly claims: TokenClaims;
  /** The client whose data the request is about, where the token names one that exists. */
  readonly client: { readonly id: string; readonly slug: string } | undefined;
  /** From the token; of partners and sub-processors from the register. */
  readonly country: string | undefined;
  /** For whom the caller reads; undefined for an auditor, or a third party that the register does not know. */
  readonly recipient?: RecipientReference | undefined;
  /** What the governance core decides on. */
  readonly access: Access;
  /** The access the same caller would have for another purpose. */
  accessFor(purpose: string | undefined): Access;
  /**
   * Whom the row rule of a purpose would let read, asked without giving anything: the request's notes say nothing of
   * it.
   */
  wouldBe?(purpose: string | undefined): Prospect;
  /** What lets the caller read for a purpose: `grant <id>`, `instruction <id>`. */
  permissionsFor?(purpose: string): readonly string[];
  /** Whether an instruction of the client, in force and for the caller, orders this act. */
  instructedTo?(act: string): boolean;
  /**
   * Equal for callers who get the same answers, as long as these do not depend on the principal. Without it, nobody is
   * taken to be alike.
   */
  readonly alike?: string;
  /** What was decided of the operation. Resolvers get it before anything is fetched. */
  readonly decision?: Decision;
  readonly notes: RequestNotes;
  /** Runs a field of a mutation, unless it was done before under the request's idempotency key. */
  once?(field: MutationField): Promise<unknown>;
  /** The DataLoaders of services, for this request alone; keyed by whoever owns one. */
  readonly memory: Map<unknown, unknown>;
}

/** A root field of a mutation that is to be executed. */
export interface MutationField {
  readonly info: GraphQLResolveInfo;
  readonly context: RequestContext;
  write(): Promise<unknown>;
}

/** What a request came across that its audit entry tells. Whoever decides or reads adds to it. */
export interface RequestNotes {
  /** The persons of whom something governed was given. */
  readonly subjects: Set<SubjectState>;
  /** What carried data across borders, as rules are cited: `decision (EU) 2023/1795`, `SCC module 2`. */
  readonly transferBases: Set<string>;
  /** What became of each mutation of the operation, in their order. */
  readonly writes?: WriteOutcome[];
}

/** Answers that a resolver gives on purpose; their words reach the caller. */
export const denied = {
  unauthenticated: () =>
    new GraphQLError('Send a bearer token: this is for authenticated callers only.', {
      extensions: { code: 'UNAUTHENTICATED' },
    }),
  role: (needed: readonly Role[]) =>
    new GraphQLError(`This needs one of the roles ${needed.join(', ')}.`, { extensions: { code: 'FORBIDDEN' } }),
  noRole: () =>
    new GraphQLError('The token has no role here, or roles of two sides that exclude each other.', {
      extensions: { code: 'FORBIDDEN' },
    }),
  client: () =>
    new GraphQLError('The token names no client of this platform in its claim "tenant".', {
      extensions: { code: 'FORBIDDEN' },
    }),
  forbidden: (message: string) => new GraphQLError(message, { extensions: { code: 'FORBIDDEN' } }),
  notFound: (what: string) => new GraphQLError(`There is no such ${what}.`, { extensions: { code: 'NOT_FOUND' } }),
  notice: (version: string, url: string | null) =>
    new GraphQLError(`The application's privacy notice must be accepted in its current version, ${version}.`, {
      extensions: { code: 'PRIVACY_NOTICE_NOT_ACCEPTED', version, url },
    }),
  input: (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } }),
  /** @param identifiers those by which the person is known; only to whoever may decide */
  erased: (identifiers?: readonly string[]) =>
    new GraphQLError(
      'Somebody known by this was erased; a privacy officer or an administrator may take it in again, ' +
        'by "allowErased".',
      { extensions: { code: 'ERASED', ...(identifiers && { identifiers }) } },
    ),
  several: () =>
    new GraphQLError('Several customers share this identifier; "customersByIdentifier" gives all of them.', {
      extensions: { code: 'SEVERAL_MATCH' },
    }),
  conflict: (message: string, more: Readonly<Record<string, unknown>> = {}) =>
    new GraphQLError(message, { extensions: { code: 'CONFLICT', ...more } }),
  /** What would be written could not be read, or would change who reads the person. */
  transfer: (message: string, refusal?: RowRefusal) =>
    new GraphQLError(message, {
      extensions: {
        code: 'TRANSFER_NOT_AUTHORIZED',
        rule: typeof refusal === 'object' ? refusal.rule : 'GDPR Art. 44',
      },
    }),
};

/** @throws {GraphQLError} UNAUTHENTICATED or FORBIDDEN unless the caller has one of the roles */
export function requireRole(context: RequestContext, ...needed: Role[]): void {
  requirePrincipal(context);
  if (!needed.some((role) => context.claims.roles.includes(role))) throw denied.role(needed);
}

/** @throws {GraphQLError} UNAUTHENTICATED without a token, FORBIDDEN where it gives no role */
export function requirePrincipal({ claims }: RequestContext): void {
  // Only a token gives roles. Whom it names is not looked at, so that the answer is the same for all who have them.
  if (claims.roles.length > 0) return;
  throw claims.subject === '' ? denied.unauthenticated() : denied.noRole();
}

/** The client that the request is about. @throws {GraphQLError} where there is none */
export function requireClient(context: RequestContext): { readonly id: string; readonly slug: string } {
  requirePrincipal(context);
  if (!context.client) throw denied.client();
  return context.client;
}
