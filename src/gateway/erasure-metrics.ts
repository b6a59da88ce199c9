import { Gauge, type GaugeConfiguration, type Registry } from 'prom-client';
import { NEAR_DAYS, type OpenErasures } from '../erasure/monitoring';

/** What an operator watches of erasures: statement D2 promises 90 days, and law often less. */
export function measureErasures(registry: Registry, look: () => Promise<OpenErasures>): void {
  let looking: Promise<OpenErasures> | undefined;
  /** One look a scrape: its gauges are collected at the same time. */
  const looked = () => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  // Every process reads the same from the database: several of them do not add up.
  const common = { registers: [registry], aggregator: 'max' } satisfies Partial<GaugeConfiguration<string>>;
  const gauge = (name: string, help: string, measured: (open: OpenErasures) => number) =>
    new Gauge({
      name,
      help,
      ...common,
      async collect() {
        this.set(measured(await looked()));
      },
    });
  gauge(
    'remit_erasures_due_soon',
    `Open erasures whose term ends within ${NEAR_DAYS} days, overdue ones included.`,
    ({ dueSoon }) => dueSoon,
  );
  gauge('remit_erasures_overdue', 'Open erasures whose term has ended.', ({ overdue }) => overdue);
  gauge(
    'remit_erasures_next_due_timestamp_seconds',
    'When the next open erasure must be done; 0 where none is open.',
    ({ nextDueAt }) => (nextDueAt ?? 0) / 1_000,
  );
  new Gauge({
    name: 'remit_erasures_open',
    help: 'Open erasures by status.',
    labelNames: ['status'],
    ...common,
    async collect() {
      const { byStatus } = await looked();
      this.reset();
      for (const [status, count] of byStatus) this.set({ status }, count);
    },
  });
}
