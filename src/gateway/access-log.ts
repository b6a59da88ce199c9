import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { GovernedRequest } from './governed-request';
import { fieldsOf, LogLines } from './log-lines';
import type { Metrics } from './metrics';
import type { RequestWatcher } from './request-ends';

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
export function accessLog(app: FastifyInstance, logger: Logger, metrics: Metrics): RequestWatcher {
  app.decorateRequest('governedRequest', null);
  const lines = new LogLines(logger);
  // Not onResponse: a caller that hangs up while its operation runs must leave a line too.
  return { gone: write };

  function write(request: FastifyRequest, reply: FastifyReply): void {
    const route = request.routeOptions.url ?? 'none';
    const status = reply.raw.writableFinished ? reply.statusCode : HUNG_UP;
    metrics.httpDuration.observe({ method: request.method, route, status: String(status) }, reply.elapsedTime / 1000);
    const of = {
      reqId: String(request.id),
      method: request.method,
      route,
      status,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
    };
    const operation = request.governedRequest;
    if (operation) metrics.count(operation);
    lines.write(probes.has(route) ? 'debug' : 'info', fieldsOf(of) + (operation ? describe(operation) : ''), 'request');
  }
}

/** Writes the line for one operation, or one event, on a WebSocket. */
export function logSocketRequest(lines: LogLines, metrics: Metrics, request: GovernedRequest): void {
  metrics.count(request);
  const durationMs = Math.round((performance.now() - request.startedAt) * 10) / 10;
  lines.write('info', fieldsOf({ method: 'WS', route: '/graphql', durationMs }) + describe(request), 'request');
}

function describe(request: GovernedRequest): string {
  const { claims, report, trace } = request;
  return fieldsOf({
    auditId: request.auditId,
    traceId: trace?.traceId,
    spanId: trace?.spanId,
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
  });
}
