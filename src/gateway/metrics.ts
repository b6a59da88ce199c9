import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { withDeadline } from './deadline';
import { gatewayErrors } from './errors';
import type { GovernedRequest } from './governed-request';
import { textOf } from './scrape';

export interface Metrics {
  readonly registry: Registry;
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>;
  readonly sockets: Gauge;
  readonly subscriptions: Gauge;
  /** Counts a request's outcome and the codes of its errors. */
  count(request: GovernedRequest): void;
}

/** Codes that alerts watch. They are counted from 0: an increase is only seen of what was there before. */
const watchedCodes = ['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE', 'TIMEOUT'];

/** The server's metrics. Labels are routes, codes and purposes: never a name, an id or a client. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const decisions = new Counter({
    name: 'remit_decisions_total',
    help: 'Operations decided, by purpose and by how they ended.',
    labelNames: ['purpose', 'outcome'],
    registers,
  });
  const outcomes = new Counter({
    name: 'remit_outcomes_total',
    help: 'Operations that met a code in an error, each code once an operation.',
    labelNames: ['code'],
    registers,
  });
  for (const code of watchedCodes) outcomes.inc({ code }, 0);
  const coordinates = new Counter({
    name: 'remit_coordinates_total',
    help: 'Coordinates withheld or de-identified in answers.',
    labelNames: ['outcome'],
    registers,
  });
  const unauditedOperations = new Counter({
    name: 'remit_unaudited_operations_total',
    help: 'Operations that the audit ledger could not record; nothing governed was given.',
    registers,
  });
  return {
    registry,
    httpDuration: new Histogram({
      name: 'remit_http_request_duration_seconds',
      help: 'Time from a request to its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    sockets: new Gauge({ name: 'remit_websocket_connections', help: 'WebSockets open now.', registers }),
    subscriptions: new Gauge({ name: 'remit_subscriptions', help: 'Subscriptions open now.', registers }),
    count({ report, outcome, codes, unaudited }) {
      if (unaudited) unauditedOperations.inc();
      decisions.inc({ purpose: report?.purpose ?? 'none', outcome: outcome ?? 'REJECTED' });
      for (const code of codes) outcomes.inc({ code: /^[A-Z_]{1,40}$/.test(code) ? code : 'OTHER' });
      coordinates.inc({ outcome: 'WITHHELD' }, report?.withheld.length ?? 0);
      coordinates.inc({ outcome: 'DEIDENTIFIED' }, report?.deidentified.length ?? 0);
    },
  };
}

const GATHERING_MS = 5_000;

/** `/metrics` in Prometheus' text format, over all processes of the server; 503 where one does not report. */
export function serveMetrics(app: FastifyInstance, { registry }: Metrics, ofAll?: () => Promise<string>): void {
  app.get('/metrics', async (request, reply) => {
    const text = await (ofAll ? gathered(ofAll, request.log) : textOf(registry));
    return reply.header('cache-control', 'no-store').type(registry.contentType).send(text);
  });
}

async function gathered(ofAll: () => Promise<string>, log: FastifyBaseLogger): Promise<string> {
  try {
    return await withDeadline(ofAll(), GATHERING_MS, () => new Error('gathering the metrics took too long'));
  } catch (err) {
    log.error({ err }, 'the metrics of all processes could not be gathered');
    throw gatewayErrors.metrics();
  }
}
