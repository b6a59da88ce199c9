import type { DocumentNode, ExecutionResult, GraphQLError, OperationTypeNode } from 'graphql';
import type { Access, AccessOf } from './access';
import type { GovernedGateway } from './apollo-gateway';
import type { Decision } from './decision';
import type { GovernanceReport } from './enforcement';
import type { GovernedPlugin } from './envelop-plugin';
import type { Explanation } from './explain';
import type { GovernedCoordinate } from './governed-coordinate';
import type { Limits } from './limits';
import type { PseudonymKey } from './pseudonym-key';

export interface GovernOptions {
  /** The schema carries no directive of Remit, and is meant to: everything in it is given to everybody. Default false. */
  readonly ungoverned?: boolean;
  /** Bounds on documents; what is left out has its default, see {@link defaultLimits}. */
  readonly limits?: Partial<Limits>;
  /**
   * The key of pseudonyms; a schema that makes some is refused without. All replicas of a service need the same.
   * - at least 32 random bytes, kept like a password: each client's key is derived from them and `access.client`;
   * - `'per-access'`: every access brings its own `pseudonymKey`, and one that does not is given no pseudonym.
   */
  readonly pseudonymKey?: PseudonymKey;
  /** Sources are plain rows, with no function or promise in a field that has no resolver: faster. Default false. */
  readonly plainSources?: boolean;
  /** Where the access of a gateway's or plugin's request comes from. Default: the context's `access`; absent, nobody asks. */
  readonly accessOf?: AccessOf;
  /**
   * Makes the context that resolvers get out of the request's own and its decision, before anything is fetched: so that
   * fetching can leave out what is withheld. Default: the request's own.
   */
  readonly contextWith?: (contextValue: unknown, decision: Decision) => unknown;
  /** Told of errors that callers get as "Internal server error". */
  readonly onInternalError?: (error: unknown) => void;
}

export interface ExecuteArguments {
  readonly document: string | DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue?: unknown;
  readonly rootValue?: unknown;
  /** Who asks, for what, with which rights. */
  readonly access: Access;
}

/** What a request brings to a planned operation. */
export type DecideArguments = Pick<ExecuteArguments, 'variableValues' | 'access'>;

/** What a request brings to a decided operation. */
export type RunArguments = Pick<ExecuteArguments, 'contextValue' | 'rootValue'>;

export type SubscribeArguments = Omit<ExecuteArguments, 'access' | 'rootValue'> & {
  readonly rootValue?: unknown;
  /** Asked again for each event, so that rights that change end the stream. */
  readonly access: () => Access | Promise<Access>;
  /** The context of one event, asked for after its access; absent, all events share `contextValue`. */
  readonly contextOf?: () => unknown;
};

export type GovernedResult = ExecutionResult<Record<string, unknown>, { governance: GovernanceReport }>;

/** A subscription's answers, one an event. */
export type GovernedStream = AsyncGenerator<GovernedResult, void, void>;

/** An operation that may be asked for: a document that is sound, with all that does not depend on one request. */
export interface PlannedOperation {
  readonly document: DocumentNode;
  readonly kind: OperationTypeNode;
  /** What to call it where it is kept: its kind and root fields. */
  readonly title: string | undefined;
  /** Decides one request; a result is what ends it, such as a variable that is wrong. Never throws. */
  decide(args: DecideArguments): DecidedOperation | GovernedResult;
}

/** One request that has been decided. What it may not read, or that it is refused, is in its decision. */
export interface DecidedOperation {
  readonly decision: Decision;
  /** Runs it, or answers with its refusal. Never rejects: what goes wrong is in `errors`. */
  execute(args: RunArguments): Promise<GovernedResult>;
  /** Opens a subscription's events; a result instead is a refusal. Never rejects. */
  events(contextValue: unknown, rootValue?: unknown): Promise<AsyncIterable<unknown> | GovernedResult>;
}

/** A governed schema: the one way in to its fields. */
export interface Governed {
  /** Executes one operation under the access given. Never rejects: what goes wrong is in `errors`. */
  execute(args: ExecuteArguments): Promise<GovernedResult>;
  /** Opens a subscription, deciding anew for each event; a result instead of a stream is a refusal. */
  subscribe(args: SubscribeArguments): Promise<GovernedStream | GovernedResult>;
  /** Why a document may not be executed: by its size, or by graphql's rules, in words that repeat no value. */
  validate(document: DocumentNode): readonly GraphQLError[];
  /**
   * The first of the three steps of {@link execute}, for callers that do something between them: plan, then
   * {@link PlannedOperation.decide}, then {@link DecidedOperation.execute}. A result is why it cannot be planned.
   */
  plan(
    source: string | DocumentNode,
    operationName: string | null | undefined,
    access: Access,
  ): PlannedOperation | GovernedResult;
  /** What to call an operation where it is kept, planned or not: nothing of what its caller calls it. */
  titleOf(source: string | DocumentNode, operationName: string | null | undefined): string | undefined;
  /**
   * What each coordinate that the operation can reach would give under the access.
   * @throws {GraphQLError} where the document is wrong
   */
  explain(args: Pick<ExecuteArguments, 'document' | 'operationName' | 'access'>): Explanation[];
  /** The `gateway` option of Apollo Server: its executor is {@link execute}. */
  readonly gateway: GovernedGateway;
  /** A plugin for GraphQL Yoga and whatever else runs Envelop's: it validates and executes by this schema. */
  readonly envelop: GovernedPlugin;
  /** Every coordinate that a rule stands on. */
  readonly coordinates: readonly GovernedCoordinate[];
  /** A digest of all directives: equal governance has equal versions. */
  readonly policyVersion: string;
}
