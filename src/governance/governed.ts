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
  /** Set it for a schema that has no directives on purpose: everything in it is given to everybody. Default false. */
  readonly ungoverned?: boolean;
  /** Limits on documents. What is left out has its default, see {@link defaultLimits}. */
  readonly limits?: Partial<Limits>;
  /**
   * The key for pseudonyms, required if the schema uses PSEUDONYM. All replicas of a service need the same:
   * - at least 32 random bytes, kept secret. The key of each client is derived from them and `access.client`;
   * - or `'per-access'`: every access brings its own `pseudonymKey`. Without it no pseudonym is made.
   */
  readonly pseudonymKey?: PseudonymKey;
  /** Set it if fields without a resolver hold no function and no promise: faster. Default false. */
  readonly plainSources?: boolean;
  /** Finds the access of a request to the gateway or plugin. Default: the context's property `access`. */
  readonly accessOf?: AccessOf;
  /**
   * Makes the context that resolvers get, before anything is fetched, from the request's context and its decision. So
   * resolvers can leave out what is withheld. Default: the request's context.
   */
  readonly contextWith?: (contextValue: unknown, decision: Decision) => unknown;
  /** Called with errors that callers see as "Internal server error". */
  readonly onInternalError?: (error: unknown) => void;
  /**
   * What callers are told of an error that was not made for them, such as one of a database: its message and
   * extensions. Default: undefined, and they see "Internal server error".
   */
  readonly wordsFor?: (error: unknown) => GraphQLError | undefined;
}

export interface ExecuteArguments {
  readonly document: string | DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue?: unknown;
  readonly rootValue?: unknown;
  /** Who asks, for which purpose, with which rights. */
  readonly access: Access;
}

/** What a request brings to a planned operation. */
export type DecideArguments = Pick<ExecuteArguments, 'variableValues' | 'access'>;

/** What a request brings to a decided operation. */
export type RunArguments = Pick<ExecuteArguments, 'contextValue' | 'rootValue'>;

export type SubscribeArguments = Omit<ExecuteArguments, 'access' | 'rootValue'> & {
  readonly rootValue?: unknown;
  /** Called again for each event, so that the stream ends when rights change. */
  readonly access: () => Access | Promise<Access>;
  /** Gives the context of one event, called after `access`. Without it, all events share `contextValue`. */
  readonly contextOf?: () => unknown;
};

export type GovernedResult = ExecutionResult<Record<string, unknown>, { governance: GovernanceReport }>;

/** The same, where the data may be its JSON text already. */
export type WrittenResult = Omit<GovernedResult, 'data'> & { readonly data?: GovernedResult['data'] | JsonText };

/** A value as its JSON text. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** A subscription's results, one for each event. */
export type GovernedStream = AsyncGenerator<GovernedResult, void, void>;

/** An operation of a valid document, with everything that does not depend on one request. */
export interface PlannedOperation {
  readonly document: DocumentNode;
  readonly kind: OperationTypeNode;
  /** Its kind and root fields, for logs. Never a name that its caller chose. */
  readonly title: string | undefined;
  /** Decides one request, or gives the result that ends it, such as a wrong variable. Never throws. */
  decide(args: DecideArguments): DecidedOperation | GovernedResult;
}

/** One request that has been decided. Its decision says what it may read, or that it is refused. */
export interface DecidedOperation {
  readonly decision: Decision;
  /** The fields that it may visit, as the limit `cost` counts them; 1 where it has no list with a length. */
  readonly cost: number;
  /** Executes it, or answers with its refusal. Never rejects: failures are in `errors`. */
  execute(args: RunArguments): Promise<GovernedResult>;
  /** The same for callers that send JSON: where all its fields are rows, their text is written without objects. */
  write(args: RunArguments): Promise<WrittenResult>;
  /** Opens a subscription's events, or gives its refusal. Never rejects. */
  events(contextValue: unknown, rootValue?: unknown): Promise<AsyncIterable<unknown> | GovernedResult>;
}

/** A governed schema, and what executes it. */
export interface Governed {
  /** Executes one operation. Never rejects: failures are in `errors`. */
  execute(args: ExecuteArguments): Promise<GovernedResult>;
  /** Opens a subscription, or gives its refusal. Decides anew for each event. */
  subscribe(args: SubscribeArguments): Promise<GovernedStream | GovernedResult>;
  /** Checks a document's size, and graphql's validation rules. The errors repeat no value of the document. */
  validate(document: DocumentNode): readonly GraphQLError[];
  /**
   * The first of the three steps of {@link execute}, for callers that do something between them: plan, then
   * {@link PlannedOperation.decide}, then {@link DecidedOperation.execute}. Gives a result if it cannot be planned.
   */
  plan(
    source: string | DocumentNode,
    operationName: string | null | undefined,
    access: Access,
  ): PlannedOperation | GovernedResult;
  /** Whether a text is kept, so that planning it takes no time. */
  knows(source: string): boolean;
  /** An operation's kind and root fields, for logs, even if it is not valid. Never a name that its caller chose. */
  titleOf(source: string | DocumentNode, operationName: string | null | undefined): string | undefined;
  /**
   * What the access would get of each coordinate that the operation can reach. Reads nothing.
   * @throws {GraphQLError} if the document is not valid
   */
  explain(args: Pick<ExecuteArguments, 'document' | 'operationName' | 'access'>): Explanation[];
  /** The `gateway` option of Apollo Server, which executes by {@link execute}. */
  readonly gateway: GovernedGateway;
  /** The plugin for GraphQL Yoga and Envelop, which validates and executes by this schema. */
  readonly envelop: GovernedPlugin;
  /** Every coordinate that has a rule. */
  readonly coordinates: readonly GovernedCoordinate[];
  /** A digest of all directives: schemas with equal directives have equal versions. */
  readonly policyVersion: string;
}
