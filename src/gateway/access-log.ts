import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Exchange } from './exchange';
import type { Metrics } from './metrics';

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange | null;
  }
}

/** nginx's status for a request whose sender did not wait for the answer. */
const HUNG_UP = 499;
const probes = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * One line a request. Of an operation it says who, what for and what came of it: until there is an audit ledger this
 * line is the record. Addresses, URLs, headers, documents and variables are never in it.
 */
export function accessLog(app: FastifyInstance, metrics: Metrics): void {
  app.decorateRequest('exchange', null);
  // Its lines are made of named parts below, so nothing has to be looked for in them.
  const lines = app.log.child({}, { redact: [] });
  app.addHook('onRequest', async (request, reply) => {
    // Not onResponse: a caller that hangs up while an operation runs leaves a line too.
    reply.raw.once('close', () => write(request, reply));
  });

  function write(request: FastifyRequest, reply: FastifyReply): void {
    const route = request.routeOptions.url ?? 'none';
    const status = reply.raw.writableFinished ? reply.statusCode : HUNG_UP;
    metrics.httpDuration.observe({ method: request.method, route, status: String(status) }, reply.elapsedTime / 1000);
    const line = {
      reqId: request.id,
      method: request.method,
      route,
      status,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      ...(request.exchange ? describeExchange(request.exchange) : {}),
    };
    if (request.exchange) metrics.count(request.exchange);
    lines[probes.has(route) ? 'debug' : 'info'](line, 'request');
  }
}

/** The line for one operation, or one event, on a WebSocket. */
export function logSocketExchange(logger: Logger, metrics: Metrics, exchange: Exchange): void {
  metrics.count(exchange);
  const durationMs = Math.round((performance.now() - exchange.startedAt) * 10) / 10;
  logger.info({ method: 'WS', route: '/graphql', durationMs, ...describeExchange(exchange) }, 'request');
}

function describeExchange({ auditId, claims, report, ...exchange }: Exchange): Record<string, unknown> {
  return {
    auditId,
    transport: exchange.transport,
    contract: exchange.contract,
    principal: claims?.subject === '' ? 'anonymous' : claims?.subject,
    roles: claims?.roles,
    client: exchange.client,
    purpose: report?.purpose ?? exchange.purpose,
    operation: exchange.operation,
    outcome: exchange.outcome ?? 'REJECTED',
    codes: exchange.codes,
    decisionId: report?.decisionId,
    policyVersion: report?.policyVersion,
    withheld: report?.withheld.length,
    deidentified: report?.deidentified.length,
  };
}
