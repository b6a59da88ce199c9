import { type DocumentNode, type ExecutionResult, type GraphQLSchema, lexicographicSortSchema } from 'graphql';
import { type Access, type AccessOf, accessFinder } from './access';

/** What Apollo Server hands to a gateway's executor; only what is used here (`@apollo/server-gateway-interface` 2). */
interface GatewayRequestContext {
  readonly document: DocumentNode;
  /** What the document was parsed from: by it, one that is known is found again. */
  readonly source?: string;
  readonly request: { readonly operationName?: string; readonly variables?: Record<string, unknown> };
  /** Apollo calls its contextValue `context` here. */
  readonly context: unknown;
}

type GatewayExecutor = (requestContext: GatewayRequestContext) => Promise<ExecutionResult>;

/** Structurally Apollo's `GatewayInterface`. */
export interface GovernedGateway {
  load(): Promise<{ executor: GatewayExecutor }>;
  onSchemaLoadOrUpdate(
    callback: (schemaContext: { apiSchema: GraphQLSchema; coreSupergraphSdl: string }) => void,
  ): () => void;
  stop(): Promise<void>;
}

type Execute = (args: {
  document: string | DocumentNode;
  operationName: string | undefined;
  variableValues: Record<string, unknown> | undefined;
  contextValue: unknown;
  access: Access;
}) => Promise<ExecutionResult>;

/** An Apollo gateway over the governed executor. */
export function apolloGateway(
  schema: GraphQLSchema,
  execute: Execute,
  accessOf: AccessOf | undefined,
): GovernedGateway {
  const find = accessFinder(accessOf);
  const executor: GatewayExecutor = ({ document, source, request, context }) =>
    execute({
      document: source ?? document,
      operationName: request.operationName,
      variableValues: request.variables,
      contextValue: context,
      access: find(context),
    });
  return {
    load: async () => ({ executor }),
    onSchemaLoadOrUpdate: (callback) => {
      // A copy: plugins of Apollo Server set resolvers of their own in it, which no execution here calls.
      callback({ apiSchema: lexicographicSortSchema(schema), coreSupergraphSdl: '' });
      return () => undefined;
    },
    stop: async () => undefined,
  };
}
