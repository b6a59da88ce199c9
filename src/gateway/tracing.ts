import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Exchange } from './exchange';

/** Spans go wherever the process that hosts Remit registers an OpenTelemetry SDK; without one this costs nothing. */
const tracer = trace.getTracer('remit');

/** Runs one operation in a span that says who asked for what kind of thing, and nothing that was read. */
export function traced<T>(exchange: Exchange, work: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan('graphql', { kind: SpanKind.SERVER }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.setAttributes({
        'remit.audit_id': exchange.auditId,
        'remit.contract': exchange.contract ?? 'none',
        'remit.purpose': exchange.purpose ?? 'none',
        'remit.outcome': exchange.outcome ?? 'FAILED',
        'remit.codes': [...exchange.codes],
      });
      span.end();
    }
  });
}
