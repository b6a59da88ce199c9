import { Gauge, type Registry } from 'prom-client';
import { inTime } from './scrape';

/** Whether the server can serve, for alerts: the same question as `/readyz`, asked on each scrape. */
export function measureReadiness(registry: Registry, faults: () => Promise<readonly string[]>): void {
  new Gauge({
    name: 'remit_ready',
    help: '1 where the process can serve, as /readyz says; else 0.',
    registers: [registry],
    // The worst process counts.
    aggregator: 'min',
    async collect() {
      const found = await inTime(registry, faults());
      this.set(found?.length === 0 ? 1 : 0);
    },
  });
}
