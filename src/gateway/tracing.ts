import {
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { GovernedRequest } from './governed-request';

/** Spans go to the OpenTelemetry SDK where telemetry.ts starts it. */
const tracer = trace.getTracer('remit');
/** What takes spans where no SDK is started. */
const nobody = new ProxyTracerProvider().getDelegate();

function isStarted(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== nobody;
}

/**
 * Runs a request in a span that holds who asked and what for, and nothing that was read. It continues the trace that
 * the caller names in `traceparent`. Without an SDK it costs nothing.
 * @param headers of HTTP, or the `extensions` of an operation on a WebSocket
 */
export function traced<T>(
  headers: Readonly<Record<string, unknown>>,
  request: GovernedRequest,
  work: () => Promise<T>,
): Promise<T> {
  if (!isStarted()) return work();
  const { traceparent, tracestate } = headers;
  const callers = propagation.extract(context.active(), { traceparent, tracestate });
  return tracer.startActiveSpan('graphql', { kind: SpanKind.SERVER }, callers, async (span) => {
    const { traceId, spanId } = span.spanContext();
    if (isSpanContextValid(span.spanContext())) request.trace = { traceId, spanId };
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.setAttributes({
        'remit.audit_id': request.auditId,
        'remit.transport': request.transport,
        'remit.contract': request.contract ?? 'none',
        'remit.purpose': request.purpose ?? 'none',
        'remit.outcome': request.outcome ?? 'FAILED',
        'remit.codes': [...request.codes],
      });
      span.end();
    }
  });
}
