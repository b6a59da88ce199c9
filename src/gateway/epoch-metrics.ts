import { Gauge, type Registry } from 'prom-client';
import { HOUR_MS } from '../law/calendar';
import { inTime } from './scrape';

/** How many times the length of an epoch an erasure may wait for its end. The alert RemitEpochLate says the same. */
export const PATIENCE = 2;

/** How long erasures have waited for the epoch of their keys to end. */
export interface AwaitedEpoch {
  /** How long an epoch lasts, in milliseconds; undefined where epochs are off. */
  readonly everyMs: number | undefined;
  /** How long the erasure that waits longest has waited, in milliseconds; 0 where none does. */
  longestWaitMs(): Promise<number>;
}

/** Warnings for an operator to look at while the process works. */
export async function epochConcerns({ everyMs, longestWaitMs }: AwaitedEpoch): Promise<string[]> {
  if (everyMs === undefined) return [];
  const waitedMs = await longestWaitMs();
  if (waitedMs <= PATIENCE * everyMs) return [];
  const hours = Math.floor(waitedMs / HOUR_MS);
  return [`the epoch of the keys does not end, and erasures have waited for it for ${hours} h; try: remit keys turn`];
}

/** Gauges about the epoch of the keys. */
export function measureEpochs(registry: Registry, { everyMs = 0, longestWaitMs }: AwaitedEpoch): void {
  // Every process reads the same rows, so the values of several processes must not be added up.
  const common = { registers: [registry], aggregator: 'max' } as const;
  new Gauge({
    name: 'remit_key_epoch_seconds',
    help: 'How long an epoch of the keys lasts; 0 where epochs are off.',
    ...common,
    collect() {
      this.set(everyMs / 1_000);
    },
  });
  new Gauge({
    name: 'remit_key_epoch_awaited_seconds',
    help: 'How long the erasure that waits longest has waited for the epoch of its keys to end; 0 where none waits.',
    ...common,
    async collect() {
      const waitedMs = (await inTime(registry, longestWaitMs())) ?? Number.NaN;
      this.set(waitedMs / 1_000);
    },
  });
}
