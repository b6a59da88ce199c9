import type { IncomingHttpHeaders } from 'node:http';
import { ApolloServer, type ApolloServerPlugin, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { defaultLimits, type Governed, syntaxError } from '../governance/govern';
import { GatewayError } from './errors';
import type { GovernedRequest } from './governed-request';
import type { Road } from './road';
import type { ServerOptions } from './server-options';

/** Apollo gives its plugins a copy of its context; the request in it is the same object in every copy. */
interface ApolloContext {
  readonly request: GovernedRequest;
}

/** A request over HTTP as Apollo takes it. */
interface ApolloRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The query of its address, with the question mark. */
  readonly search: string;
  readonly body: unknown;
}

/** Apollo Server, started over one contract. */
export interface Apollo {
  answer(http: ApolloRequest, request: GovernedRequest): Promise<HTTPGraphQLResponse>;
  stop(): Promise<void>;
}

/**
 * Apollo Server over a governed schema: one of the road's two callers over HTTP. Apollo parses, and answers what
 * GraphQL over HTTP says about requests. Plan, decision, execution and record are the road's. Nothing is cached,
 * batched, persisted, traced or reported.
 */
export async function startApollo(
  governed: Governed,
  road: Road,
  { logger }: Pick<ServerOptions, 'logger'>,
): Promise<Apollo> {
  const apollo = new ApolloServer<ApolloContext>({
    gateway: gatewayOver(governed, road),
    // Apollo would validate before any limit is checked, and some documents attack validation itself.
    dangerouslyDisableValidation: true,
    parseOptions: { maxTokens: defaultLimits.tokens },
    introspection: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    // The governance core caches documents: it knows whose they are and what they weigh.
    documentStore: null,
    includeStacktraceInErrorResponses: false,
    // A page of another origin cannot send either of the last two without a preflight.
    csrfPrevention: {
      requestHeaders: ['x-apollo-operation-name', 'apollo-require-preflight', 'authorization', 'processing-purpose'],
    },
    stopOnTerminationSignals: false,
    nodeEnv: 'production',
    formatError,
    logger: quietLogger(logger),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      oneOperation,
      recording(road),
    ],
  });
  await apollo.start();
  return {
    answer: ({ headers, ...http }, request) =>
      apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: { ...http, headers: headerMap(headers) },
        context: async () => ({ request }),
      }),
    stop: () => apollo.stop(),
  };
}

function headerMap(headers: IncomingHttpHeaders): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

/** Apollo keeps mutations out of GET by looking at the operation, so it must have found one. */
const oneOperation: ApolloServerPlugin<ApolloContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (!operation) {
          throw new GraphQLError('Name one operation of the document.', {
            extensions: { code: 'OPERATION_RESOLUTION_FAILURE', http: { status: 400 } },
          });
        }
        if (operation.operation === 'subscription') {
          throw new GraphQLError('Subscriptions run over WebSocket, on this path, by graphql-transport-ws.', {
            extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
          });
        }
      },
    };
  },
};

/** The governed schema's gateway, with the road's steps in place of its execution. */
function gatewayOver({ gateway }: Governed, road: Road): typeof gateway {
  return {
    ...gateway,
    load: async () => ({
      executor: async ({ document, source, request: { operationName, variables }, context }) => {
        const operation = { document: source ?? document, operationName, variableValues: variables };
        const governed = (context as ApolloContext).request;
        return road.execute(governed, operation).catch((error: unknown) => {
          if (error instanceof GatewayError) governed.refusal = error;
          throw error;
        });
      },
    }),
  };
}

const recording = (road: Road): ApolloServerPlugin<ApolloContext> => ({
  async requestDidStart({ contextValue: { request } }) {
    return {
      async willSendResponse({ response, operationName, document }) {
        if (response.body.kind !== 'single' || request.refusal) return;
        response.body.singleResult = await road.record(
          request,
          response.body.singleResult,
          { document, operationName },
          (error, extensions) => ({ data: null, errors: [error.toJSON()], extensions: { ...extensions } }),
        );
        if (request.codes.includes('AUDIT_UNAVAILABLE')) response.http.status = 503;
      },
    };
  },
});

/**
 * graphql's own message of a syntax error repeats the text, and what Apollo wraps may say anything (docs/pitfalls.md,
 * 14).
 */
function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  if (formatted.extensions?.code === 'GRAPHQL_PARSE_FAILED') return syntaxError(error, defaultLimits).toJSON();
  const isUnforeseen = formatted.extensions?.code === 'INTERNAL_SERVER_ERROR' && formatted.path === undefined;
  return isUnforeseen ? { ...formatted, message: 'Internal server error' } : formatted;
}

/** Apollo logs texts, and some contain error messages. */
function quietLogger(logger: Logger) {
  const report = () => logger.error('Apollo Server failed unexpectedly');
  return { debug: () => undefined, info: () => undefined, warn: (text: string) => logger.warn(text), error: report };
}
