import { Gauge, type Registry } from 'prom-client';
import type { TaskState } from '../jobs/scheduler';

/** When each background task of a process last succeeded. */
export function measureTasks(registry: Registry, states: () => ReadonlyMap<string, TaskState>): void {
  new Gauge({
    name: 'remit_background_task_last_success_timestamp_seconds',
    help: 'When a run of the background task last ended without a failure; 0 where none did.',
    labelNames: ['task'],
    registers: [registry],
    // The worst of several processes.
    aggregator: 'min',
    collect() {
      for (const [task, { lastSuccessAt }] of states()) this.set({ task }, (lastSuccessAt ?? 0) / 1_000);
    },
  });
}
