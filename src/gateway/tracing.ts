import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { GovernedRequest } from './governed-request';

/** Spans go to the OpenTelemetry SDK that the host process registers; without one this costs nothing. */
const tracer = trace.getTracer('remit');

/** Runs a request in a span that holds who asked and what for, and nothing that was read. */
export function traced<T>(request: GovernedRequest, work: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan('graphql', { kind: SpanKind.SERVER }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.setAttributes({
        'remit.audit_id': request.auditId,
        'remit.contract': request.contract ?? 'none',
        'remit.purpose': request.purpose ?? 'none',
        'remit.outcome': request.outcome ?? 'FAILED',
        'remit.codes': [...request.codes],
      });
      span.end();
    }
  });
}
