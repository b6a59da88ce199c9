import { Gauge, type Registry } from 'prom-client';
import { withDeadline } from './deadline';

/** Well below the time in which all processes must have reported, so that a scrape shows what is wrong. */
const LONGEST_MS = 2_000;

/** Whether the server can serve, for alerts: the same question as `/readyz`, asked on each scrape. */
export function measureReadiness(registry: Registry, faults: () => Promise<readonly string[]>): void {
  new Gauge({
    name: 'remit_ready',
    help: '1 where the process can serve, as /readyz says; else 0.',
    registers: [registry],
    // The worst process counts.
    aggregator: 'min',
    async collect() {
      const ready = withDeadline(faults(), LONGEST_MS, () => new Error('the check took too long'));
      this.set(
        await ready.then(
          (found) => (found.length === 0 ? 1 : 0),
          () => 0,
        ),
      );
    },
  });
}
