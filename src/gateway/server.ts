import { setTimeout as sleep } from 'node:timers/promises';
import websocket from '@fastify/websocket';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { handleProtocols } from 'graphql-ws';
import { accessLog } from './access-log';
import { compressReplies } from './compression';
import { allowOrigins, mayOpenSockets } from './cross-origin';
import { answerError, answerErrors } from './error-answers';
import { gatewayErrors } from './errors';
import { Executions } from './executions';
import { giveExports } from './export-downloads';
import { FailureLog } from './failure-log';
import { closeGracefully } from './graceful-shutdown';
import { graphqlOverHttp } from './graphql-http';
import { serveHealth } from './health';
import { defaultServerLimits, type ServerLimits } from './limits';
import { LateLog } from './log-lines';
import { createMetrics, serveMetrics } from './metrics';
import { OpenSockets } from './open-sockets';
import { OpenSubscriptions } from './open-subscriptions';
import { refusePipelining } from './pipelining';
import { plainBodies } from './plain-bodies';
import { playground } from './playground';
import { measureReadiness } from './readiness-metric';
import { type RequestWatcher, watchRequests } from './request-ends';
import { Road } from './road';
import { securityHeaders } from './security-headers';
import type { ServerOptions } from './server-options';
import { graphqlOverSocket } from './subscriptions';
import { Watchdog } from './watchdog';
import { takeAcknowledgements } from './webhook-acknowledgements';

/** How long the refusal of a WebSocket is held back. */
const REFUSAL_MS = 1_000;

/**
 * Creates the server, not yet listening: `/graphql` (HTTP and WebSocket), `/playground`, `/healthz`, `/readyz`,
 * `/metrics`. `app.listen({ port, host })` starts it; `app.close()` ends it without losing a request.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const limits: ServerLimits = { ...defaultServerLimits, ...options.limits };
  const logger: FastifyBaseLogger = options.logger;
  const headers = securityHeaders(options.production);
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (parent, bindings) => new LateLog(parent, bindings),
    bodyLimit: limits.bodyBytes,
    // Anybody else could write any address there.
    trustProxy: options.trustedProxies?.length ? [...options.trustedProxies] : false,
    connectionTimeout: 60_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 30_000,
    // A request that arrives while the server closes is answered.
    return503OnClosing: false,
    http: { maxHeaderSize: limits.headerBytes, headersTimeout: 10_000, connectionsCheckingInterval: 5_000 },
    frameworkErrors: (_error, _request, reply) => answerError(reply.headers(headers), gatewayErrors.notFound()),
  });
  app.server.maxConnections = limits.connections;
  const watchdog = new Watchdog(limits, options.backgroundIdleMs);
  options.watched?.(watchdog);
  const executions = new Executions(limits, { watchdog, ...options });
  const metrics = createMetrics();
  const sockets = new OpenSockets(limits);
  const subscriptions = new OpenSubscriptions(limits, metrics);
  const { isDraining, underWay } = closeGracefully(app, limits.shutdownMs);
  const secured: RequestWatcher = {
    came: (_request, reply) => {
      reply.headers(headers);
      return true;
    },
  };
  // The first must be first: nobody else may see the end of a request on a connection that is then cut.
  watchRequests(app, [refusePipelining(), accessLog(app, options.logger, metrics), underWay, secured]);
  plainBodies(app);
  answerErrors(app, limits.bodyBytes, new FailureLog(logger));
  await app.register(websocket, {
    options: {
      maxPayload: limits.bodyBytes,
      autoPong: false,
      handleProtocols: (protocols) => handleProtocols(protocols),
    },
    // closeGracefully closes open sockets with 1001.
    preClose: (done) => done(),
    errorHandler: (error, _socket, request) => request.log.debug({ err: error }, 'a WebSocket failed'),
  });
  await app.register(
    async (scope) => {
      await allowOrigins(scope, options);
      await compressReplies(scope, options, false);
      await serveGraphql(scope);
    },
    { prefix: '/graphql' },
  );
  const isLeaving = () => isDraining() || options.leaving?.aborted === true;
  serveHealth(app, { ...options, watchdog, isDraining: isLeaving });
  measureReadiness(metrics.registry, async () => (isLeaving() ? ['it is shutting down'] : options.ready()));
  options.measure?.(metrics.registry);
  serveMetrics(app, metrics, options.metricsOfAll);
  if (options.acknowledge) takeAcknowledgements(app, options.acknowledge);
  if (options.collect) giveExports(app, options, options.collect);
  await app.register(async (scope) => {
    await compressReplies(scope, options, true);
    await scope.register(playground, { directory: options.playgroundDirectory, signIn: options.signIn });
  });
  return app;

  async function serveGraphql(scope: FastifyInstance): Promise<void> {
    const road = new Road(options, executions);
    const overHttp = await graphqlOverHttp(scope, road, options, limits, executions);
    scope.route({
      method: 'GET',
      url: '',
      exposeHeadRoute: false,
      onRequest: async (request) => {
        if (!request.ws) return;
        if (isDraining()) throw gatewayErrors.draining();
        if (!mayOpenSockets(request, options)) throw gatewayErrors.origin();
        const refusal = sockets.refusal(request.ip);
        if (!refusal) return;
        // Whoever tries again at once is answered later.
        await sleep(REFUSAL_MS, undefined, { ref: false });
        throw refusal;
      },
      handler: overHttp,
      wsHandler: graphqlOverSocket({ road, options, limits, metrics, executions, sockets, subscriptions }),
    });
    scope.post('', overHttp);
    const refuseMethod = async (_request: FastifyRequest, reply: FastifyReply) =>
      answerError(reply, gatewayErrors.method('GET, POST'));
    scope.route({ method: ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], url: '', handler: refuseMethod });
  }
}
