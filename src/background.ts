import type { Anchoring } from './audit/witness/anchors';
import { openErasures } from './erasure/requests/open-erasures';
import { JobWorker, type JobWorkerOptions } from './jobs/job-worker';
import type { Jobs } from './jobs/jobs';
import type { Task } from './jobs/scheduler';
import { type SenderOptions, WebhookSender } from './register/webhooks/webhook-sender';
import type { Services } from './services';
import type { Stores } from './stores';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The task whose state says whether erasure works. */
export const JOBS_TASK = 'jobs';

/** Performs the jobs in the queue: erasures and exports. */
export function jobWorker(
  { regions }: Pick<Stores, 'regions'>,
  services: Pick<Services, 'jobs' | 'jobHandlers'>,
  options: Partial<Pick<JobWorkerOptions, 'concurrency' | 'now' | 'onFailure' | 'onDone'>> & {
    readonly jobs?: Jobs;
  } = {},
): JobWorker {
  const { jobs, jobHandlers: handlers } = services;
  return new JobWorker({ regions, jobs, handlers, ...options });
}

/** Sends notices to recipients of erasures, and to clients. */
export function webhookSender(
  { regions }: Pick<Stores, 'regions'>,
  { webhooks, webhookBodies }: Pick<Services, 'webhooks' | 'webhookBodies'>,
  options: SenderOptions = {},
): WebhookSender {
  return new WebhookSender(regions, webhooks, webhookBodies, options);
}

export interface BackgroundOptions {
  readonly onJobFailure: NonNullable<JobWorkerOptions['onFailure']>;
  readonly onDead: NonNullable<SenderOptions['onDead']>;
  /** Called for failures within a task that continued. */
  readonly onFailure: (error: unknown) => void;
  /** Called when erasures are due within a week. */
  readonly onNear: (open: Awaited<ReturnType<typeof openErasures>>) => void;
}

/** The background work of a server. */
export function backgroundTasks(
  stores: Stores,
  services: Services,
  anchoring: Anchoring,
  options: BackgroundOptions,
): Task[] {
  const { erasure, exports: clientExports, disclosures, announcements, agreementReminders, recorder } = services;
  const worker = jobWorker(stores, services, { onFailure: options.onJobFailure });
  const sender = webhookSender(stores, services, { onDead: options.onDead });
  return [
    jobsTask(worker),
    webhooksTask(sender),
    every('retention', HOUR, () => erasure.retention.sweep(options.onFailure)),
    every('uncollected exports', HOUR, () => clientExports.sweep()),
    every('orphan keys', HOUR, () => erasure.orphans.sweep(options.onFailure)),
    every('terms of erasures', HOUR, async () => {
      const open = await openErasures(stores.regions);
      if (open.dueSoon > 0) options.onNear(open);
    }),
    every('notices of disclosures', MINUTE, () => disclosures.tellDue()),
    every('announcements', MINUTE, () => announcements.tellDue()),
    every('reminders of agreements', MINUTE, () => agreementReminders.tellDue()),
    every('anchors', MINUTE, () => anchoring.run()),
    every('failed sign-ins', MINUTE, () => recorder.writeFailures()),
  ];
}

/** Polls the queue, without a pause while jobs are due. */
export const jobsTask = (worker: JobWorker, everyMs = SECOND): Task => ({
  name: JOBS_TASK,
  everyMs,
  run: async (signal) => (await worker.round(signal)) > 0,
});

/** Begins to send due notices. On stop it waits for the answers. */
export const webhooksTask = (sender: WebhookSender): Task => ({
  ...every('webhooks', SECOND, () => sender.begin()),
  settled: () => sender.settled(),
});

const every = (name: string, everyMs: number, run: () => Promise<unknown>): Task => ({
  name,
  everyMs,
  run: async () => {
    await run();
    return false;
  },
});
