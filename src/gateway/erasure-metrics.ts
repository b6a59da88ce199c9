import { Gauge, type Registry } from 'prom-client';
import { NEAR_DAYS, type OpenErasures } from '../erasure/monitoring';

/** What an operator watches of erasures: statement D2 promises 90 days, and law often less. */
export function measureErasures(registry: Registry, look: () => Promise<OpenErasures>): void {
  const registers = [registry];
  // Every process reads the same from the database: several of them do not add up.
  const aggregator = 'max';
  const soon = new Gauge({
    name: 'remit_erasures_due_soon',
    help: `Open erasures whose term ends within ${NEAR_DAYS} days, overdue ones included.`,
    registers,
    aggregator,
  });
  const overdue = new Gauge({
    name: 'remit_erasures_overdue',
    help: 'Open erasures whose term has ended.',
    registers,
    aggregator,
  });
  const next = new Gauge({
    name: 'remit_erasures_next_due_timestamp_seconds',
    help: 'When the next open erasure must be done; 0 where none is open.',
    registers,
    aggregator,
  });
  new Gauge({
    name: 'remit_erasures_open',
    help: 'Open erasures by status.',
    labelNames: ['status'],
    registers,
    aggregator,
    async collect() {
      const open = await look();
      this.reset();
      for (const [status, count] of open.byStatus) this.set({ status }, count);
      soon.set(open.dueSoon);
      overdue.set(open.overdue);
      next.set((open.nextDueAt ?? 0) / 1_000);
    },
  });
}
