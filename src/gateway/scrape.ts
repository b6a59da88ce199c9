import { Counter, Registry } from 'prom-client';
import { withDeadline } from './deadline';

/** Below the 5 s in which all processes must have reported, and below the time that Prometheus waits. */
const LONGEST_MS = 2_000;
/** What the gauges' own limits may be late by. */
const MARGIN_MS = 500;

/**
 * What a gauge has to ask a database for, or undefined where that fails or takes too long. A scrape must answer while a
 * database is away or all connections are in use: alerts are needed at that moment.
 */
export function inTime<T>(registry: Registry, asked: Promise<T>): Promise<T | undefined> {
  return withDeadline(asked, LONGEST_MS, () => new Error('a scrape does not wait')).catch(() => {
    failuresOf(registry).inc();
    return undefined;
  });
}

/** The text of all metrics. One that cannot be collected is left out and counted, and the others are given. */
export async function textOf(registry: Registry): Promise<string> {
  const tooLate = () => new Error('a scrape does not wait');
  const failures = failuresOf(registry);
  try {
    return await withDeadline(registry.metrics(), LONGEST_MS + MARGIN_MS, tooLate);
  } catch {
    const sound = new Registry();
    const metrics = registry.getMetricsAsArray().map(({ name }) => registry.getSingleMetric(name));
    const tried = await Promise.allSettled(
      metrics.map(async (metric) => metric && withDeadline(metric.get(), LONGEST_MS, tooLate)),
    );
    for (const [index, { status }] of tried.entries()) {
      const metric = metrics[index];
      if (status === 'rejected') failures.inc();
      else if (metric) sound.registerMetric(metric);
    }
    return withDeadline(sound.metrics(), LONGEST_MS, tooLate);
  }
}

function failuresOf(registry: Registry): Counter {
  const known = registry.getSingleMetric('remit_metrics_failures_total');
  if (known instanceof Counter) return known;
  return new Counter({
    name: 'remit_metrics_failures_total',
    help: 'Metrics that could not be collected in time, such as while a database is away.',
    registers: [registry],
  });
}
