import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GovernedRequest } from './governed-request';
import type { Metrics } from './metrics';

declare module 'fastify' {
  interface FastifyRequest {
    governedRequest: GovernedRequest | null;
  }
}

/** nginx's status for a client that closed the connection before the answer. */
const HUNG_UP = 499;
const probes = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Writes one log line for each request, for operators. For an operation it says who asked, what for, and what came of
 * it. The authoritative record is the entry in the audit ledger, which `auditId` identifies. Addresses, URLs, headers,
 * documents and variables are never in the log.
 */
export function accessLog(app: FastifyInstance, metrics: Metrics): void {
  app.decorateRequest('governedRequest', null);
  const lines = linesOf(app.log);
  app.addHook('onRequest', async (request, reply) => {
    // Not onResponse: a caller that hangs up while its operation runs must leave a line too.
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
      ...(request.governedRequest ? describe(request.governedRequest) : {}),
    };
    if (request.governedRequest) metrics.count(request.governedRequest);
    lines[probes.has(route) ? 'debug' : 'info'](line, 'request');
  }
}

/** A log for lines that are built from known fields below: redaction has nothing to do. */
export const linesOf = (logger: FastifyBaseLogger): FastifyBaseLogger => logger.child({}, { redact: [] });

/**
 * Writes the line for one operation, or one event, on a WebSocket.
 * @param lines what {@link linesOf} gave
 */
export function logSocketRequest(lines: FastifyBaseLogger, metrics: Metrics, request: GovernedRequest): void {
  metrics.count(request);
  const durationMs = Math.round((performance.now() - request.startedAt) * 10) / 10;
  lines.info({ method: 'WS', route: '/graphql', durationMs, ...describe(request) }, 'request');
}

function describe(request: GovernedRequest): Record<string, unknown> {
  const { claims, report } = request;
  return {
    auditId: request.auditId,
    ...request.trace,
    transport: request.transport,
    contract: request.contract,
    principal: claims?.subject === '' ? 'anonymous' : claims?.subject,
    roles: claims?.roles,
    client: request.context?.client?.slug,
    purpose: report?.purpose ?? request.purpose,
    operation: request.operation,
    outcome: request.outcome ?? 'REJECTED',
    codes: request.codes,
    decisionId: report?.decisionId,
    policyVersion: report?.policyVersion,
    withheld: report?.withheld.length,
    deidentified: report?.deidentified.length,
  };
}
