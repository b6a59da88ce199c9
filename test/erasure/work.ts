import { jobWorker } from '../../src/background';
import { tenantEntities } from '../../src/entities';
import { createErasureModule } from '../../src/erasure/module';
import type { ExportsModule } from '../../src/exports/module';
import type { JobWorker } from '../../src/jobs/job-worker';
import { Jobs } from '../../src/jobs/jobs';
import type { TestApp } from '../support/app';

export interface WorkOptions {
  readonly chunkRows?: number;
  readonly exports?: ExportsModule;
  readonly onFailure?: (error: unknown) => void;
}

/** A worker with a clock of the test's own, over the stores of an app. */
export function workerAt({ stores, services }: TestApp, at: number, options: WorkOptions = {}): JobWorker {
  const { exports: made, onFailure, ...more } = options;
  const now = () => at;
  const jobs = new Jobs({ now });
  const { regions, keys, keyStores } = stores;
  const { parties, webhooks, profile, recorder } = services;
  const erasure = createErasureModule({
    ...{ regions, keys, keyStores, parties, webhooks, profile, recorder, jobs, now },
    entities: tenantEntities,
    terminationExports: made?.beforeEnd,
    purgers: made ? [made.purger] : [],
    ...more,
  });
  const jobHandlers = [erasure.runner, ...(made ? [made.exporter] : [])];
  return jobWorker({ regions }, { jobs, jobHandlers }, { now, ...(onFailure ? { onFailure } : {}) });
}
