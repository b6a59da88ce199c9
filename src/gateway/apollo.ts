import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { operationHash } from '../audit/operation-hash';
import { defaultLimits, type Governed, syntaxError } from '../governance/govern';
import type { RequestContext } from '../identity/request-context';
import { concludeAudited } from './auditing';
import { exchangeOf } from './exchange';
import type { ServerOptions } from './server-options';

/**
 * Apollo Server over a governed schema. Parsing is Apollo's; limits, validation, decision and execution are the governed
 * executor's, for every way in the same. Nothing is cached, batched, persisted, traced or reported.
 */
export async function startApollo(
  governed: Governed,
  options: Pick<ServerOptions, 'logger' | 'audit'>,
): Promise<ApolloServer<RequestContext>> {
  const apollo = new ApolloServer<RequestContext>({
    gateway: governed.gateway,
    // Apollo would validate before any limit was looked at, and validation is what some documents attack.
    dangerouslyDisableValidation: true,
    parseOptions: { maxTokens: defaultLimits.tokens },
    introspection: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    // Documents are kept by the governed executor, which knows whose they are and what they weigh.
    documentStore: null,
    includeStacktraceInErrorResponses: false,
    // Neither of the last two can be sent by a page of another origin without a preflight.
    csrfPrevention: {
      requestHeaders: ['x-apollo-operation-name', 'apollo-require-preflight', 'authorization', 'processing-purpose'],
    },
    stopOnTerminationSignals: false,
    nodeEnv: 'production',
    formatError,
    logger: quietLogger(options.logger),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      oneOperation,
      conclusion(governed, options),
    ],
  });
  await apollo.start();
  return apollo;
}

/** Only an operation that Apollo has found goes on, since it is what Apollo looks at to keep mutations out of GET. */
const oneOperation: ApolloServerPlugin<RequestContext> = {
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

const conclusion = (
  governed: Governed,
  options: Pick<ServerOptions, 'logger' | 'audit'>,
): ApolloServerPlugin<RequestContext> => ({
  async requestDidStart({ contextValue }) {
    const exchange = exchangeOf(contextValue);
    return {
      async willSendResponse({ response, operationName, document }) {
        if (!exchange || response.body.kind !== 'single') return;
        exchange.operation = document && governed.titleOf(document, operationName);
        response.body.singleResult = await concludeAudited(
          options,
          exchange,
          response.body.singleResult,
          { governed, context: contextValue, operationHash: document && operationHash(document) },
          (error, extensions) => ({ data: null, errors: [error.toJSON()], extensions }),
        );
        if (exchange.codes.includes('AUDIT_UNAVAILABLE')) response.http.status = 503;
      },
    };
  },
});

/** Pitfall 14: graphql's own words of a syntax error repeat the text; what Apollo wraps may say anything. */
function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  if (formatted.extensions?.code === 'GRAPHQL_PARSE_FAILED') return syntaxError(error, defaultLimits).toJSON();
  const isUnforeseen = formatted.extensions?.code === 'INTERNAL_SERVER_ERROR' && formatted.path === undefined;
  return isUnforeseen ? { ...formatted, message: 'Internal server error' } : formatted;
}

/** Apollo logs texts, some with the messages of errors in them. */
function quietLogger(logger: Logger) {
  const report = () => logger.error('Apollo Server failed unforeseen');
  return { debug: () => undefined, info: () => undefined, warn: (text: string) => logger.warn(text), error: report };
}
