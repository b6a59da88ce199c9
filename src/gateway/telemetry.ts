import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { withDeadline } from './deadline';

/** What is sent to an OpenTelemetry collector. */
export interface Exports {
  readonly traces: boolean;
  readonly logs: boolean;
}

/** How long the end of a process waits for a collector. */
const FAREWELL_MS = 3_000;
/** A collector that is away is named in the log once in this time. */
const QUIET_MS = 60_000;

/**
 * Sends spans, and copies of the log's lines, to a collector where the environment says so. A collector that is slow or
 * away holds nothing up: what it does not take is dropped.
 * @returns sends what waits and ends, within seconds
 */
export async function startTelemetry(wanted: Exports, logger: Logger): Promise<() => Promise<void>> {
  if (!wanted.traces && !wanted.logs) return async () => undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = () => {
    if (performance.now() - toldAt < QUIET_MS) return;
    toldAt = performance.now();
    logger.warn('traces or logs could not be sent to the collector');
  };
  const ignore = () => undefined;
  const quiet = { warn: ignore, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger({ ...quiet, error: tell }, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  // Loading the SDK takes time and memory, which servers without a collector do not spend.
  const { startSdk } = await import('./telemetry-sdk.js');
  const end = startSdk(wanted);
  return () => withDeadline(end(), FAREWELL_MS, () => new Error('the collector does not answer')).catch(tell);
}
