import { context, type SpanContext, TraceFlags, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { version } from '../version';
import { standardOutput } from './log-output';
import type { Exports } from './telemetry';

/** Names of pino's levels in OpenTelemetry. Its numbers go up by 4 where pino's go up by 10. */
const severities: Readonly<Record<number, string>> = {
  ...{ 10: 'TRACE', 20: 'DEBUG', 30: 'INFO', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' },
};

/** A line of the log as pino wrote it: what must not be in it has been removed. */
interface Line {
  readonly level: number;
  readonly time: string;
  readonly msg?: string;
  readonly traceId?: string;
  readonly spanId?: string;
}

/**
 * Starts OpenTelemetry's SDK, which reads its own variables: endpoints, headers, sampling, sizes of batches.
 * @returns sends what waits, and ends
 */
export function startSdk(wanted: Exports): () => Promise<void> {
  // The service's name may be set otherwise. Nothing is told of the host, the user or the command line.
  const own = resourceFromAttributes({ 'service.name': 'remit', 'service.version': version });
  const resource = own.merge(detectResources({ detectors: [envDetector] }));
  const endings: Array<() => Promise<void>> = [];
  if (wanted.traces) {
    const provider = new NodeTracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    });
    // Not baggage: what a caller writes there would be sent on to other servers.
    provider.register({ propagator: new W3CTraceContextPropagator() });
    endings.push(() => provider.shutdown());
  }
  if (wanted.logs) {
    const processors = [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })];
    const provider = new LoggerProvider({ resource, processors });
    const logger = provider.getLogger('remit');
    standardOutput().copyTo((line) => logger.emit(recordOf(JSON.parse(line))));
    endings.push(() => provider.shutdown());
  }
  return async () => {
    await Promise.all(endings.map((end) => end()));
  };
}

function recordOf({ level, time, msg = '', traceId, spanId, ...attributes }: Line) {
  const span =
    traceId && spanId ? ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED } satisfies SpanContext) : undefined;
  return {
    timestamp: new Date(time),
    severityNumber: ((level / 10 - 1) * 4 + 1) as number,
    severityText: severities[level] ?? 'INFO',
    body: msg,
    attributes,
    context: span ? trace.setSpanContext(context.active(), span) : context.active(),
  };
}
