import { Gauge, type GaugeConfiguration, type Registry } from 'prom-client';
import { lateEpochSince, NEAR_DAYS, type OpenErasures } from '../erasure/requests/open-erasures';
import type { TaskState } from '../jobs/scheduler';
import { inTime } from './scrape';

/**
 * Polls in a row that may fail, as during a database failover, before the process reports that erasure does not work.
 */
const FAILED_ROUNDS = 5;

/** Why this process cannot carry out erasures, for `/readyz`. */
export function workerFaults({ failedRuns, lastSuccessAt }: TaskState): string[] {
  if (failedRuns < FAILED_ROUNDS) return [];
  const since =
    lastSuccessAt === undefined ? 'it never worked here' : `it last worked at ${new Date(lastSuccessAt).toISOString()}`;
  return [`erasure is not working: its queue failed ${failedRuns} times in a row, ${since}; the log says why`];
}

/**
 * Warnings about erasures, for an operator to look at while the process works.
 * @param epoch REMIT_EPOCH
 */
export function erasureConcerns(open: OpenErasures, epoch: number | 'off'): string[] {
  const { stuck, overdue } = open;
  const lateSince = lateEpochSince(open, epoch);
  return [
    ...(lateSince === undefined
      ? []
      : [`erasures await the end of an epoch of keys since ${new Date(lateSince).toISOString()}: remit keys turn`]),
    ...(stuck > 0
      ? [`erasures that are stuck: ${stuck}; look at them by: remit erasures list --status ATTENTION_REQUIRED`]
      : []),
    ...(overdue > 0 ? [`erasures that are overdue: ${overdue}`] : []),
  ];
}

/**
 * Gauges about erasures. The statement (D2) promises 90 days; law often allows less.
 * @param epoch REMIT_EPOCH
 */
export function measureErasures(
  registry: Registry,
  look: () => Promise<OpenErasures>,
  worker: () => TaskState,
  epoch: number | 'off',
): void {
  let looking: Promise<OpenErasures | undefined> | undefined;
  /**
   * One query for each scrape, shared by all gauges. Where it fails or takes too long, the gauges have no value and
   * other metrics are unaffected.
   */
  const looked = () => {
    looking ??= inTime(registry, look()).finally(() => {
      looking = undefined;
    });
    return looking;
  };
  // Every process reads the same rows, so the values of several processes must not be added up.
  const common = { registers: [registry], aggregator: 'max' } satisfies Partial<GaugeConfiguration<string>>;
  const gauge = (name: string, help: string, measured: (open: OpenErasures) => number) =>
    new Gauge({
      name,
      help,
      ...common,
      async collect() {
        const open = await looked();
        this.set(open ? measured(open) : Number.NaN);
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
  gauge(
    'remit_erasures_stuck',
    'Open erasures that nobody carries out though it is time: failed again and again, without a job, or not taken.',
    ({ stuck }) => stuck,
  );
  gauge(
    'remit_key_epoch_awaited_seconds',
    'How long the erasure that waits longest has waited for the epoch of its keys to end; 0 where none waits.',
    ({ awaitingSince }) => (awaitingSince === undefined ? 0 : Math.max(0, Date.now() - awaitingSince) / 1_000),
  );
  new Gauge({
    name: 'remit_key_epoch_seconds',
    help: 'How long an epoch of keys lasts; 0 where epochs are off.',
    ...common,
    collect() {
      this.set(epoch === 'off' ? 0 : epoch / 1_000);
    },
  });
  new Gauge({
    name: 'remit_erasure_worker_last_success_timestamp_seconds',
    help: 'When a process last looked at every queue of erasures without a fault; 0 where it never did.',
    registers: [registry],
    // The worst process counts.
    aggregator: 'min',
    collect() {
      this.set((worker().lastSuccessAt ?? 0) / 1_000);
    },
  });
  new Gauge({
    name: 'remit_erasure_worker_failed_rounds',
    help: 'Looks at the queues of erasures in a row that have failed; 0 while erasure works.',
    ...common,
    collect() {
      this.set(worker().failedRuns);
    },
  });
  new Gauge({
    name: 'remit_erasures_open',
    help: 'Open erasures by status.',
    labelNames: ['status'],
    ...common,
    async collect() {
      const open = await looked();
      this.reset();
      for (const [status, count] of open?.byStatus ?? []) this.set({ status }, count);
    },
  });
}
