import type { Anchoring } from './audit/witness/anchors';
import { openErasures } from './erasure/requests/open-erasures';
import type { IdempotencyKeys } from './gateway/idempotency/idempotency-keys';
import { DueWork, type DueWorkOptions } from './jobs/due-work';
import { JobWorker, type JobWorkerOptions } from './jobs/job-worker';
import { firstJob, type Jobs } from './jobs/jobs';
import type { Task } from './jobs/scheduler';
import { SharedTasks } from './jobs/shared-tasks';
import { firstNotice, type SenderOptions, WebhookSender } from './register/webhooks/webhook-sender';
import type { Services } from './services';
import { boundWriteAheadLog } from './storage/write-ahead-log';
import type { Stores } from './stores';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

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

/** Where there are jobs and notices, which this process schedules too. */
function dueWork({ regions }: Stores, { jobs, webhooks }: Services, options: DueWorkOptions = {}): Due {
  const due = new DueWork(() => regions.all(), { job: firstJob, notice: firstNotice }, options);
  jobs.onScheduled = due.expect;
  webhooks.onScheduled = due.expect;
  return due;
}

type Due = DueWork<'job' | 'notice'>;

export interface BackgroundOptions {
  /** Milliseconds after which keys of the platform are replaced; `off` where nobody but an operator does. */
  readonly keyRotation: number | 'off';
  /** The same of clients' secrets. */
  readonly clientSecretRotation: number | 'off';
  readonly onJobFailure: NonNullable<JobWorkerOptions['onFailure']>;
  readonly onDead: NonNullable<SenderOptions['onDead']>;
  /** Called for failures within a task that continued. */
  readonly onFailure: (error: unknown) => void;
  /** Called when erasures are due within a week. */
  readonly onNear: (open: Awaited<ReturnType<typeof openErasures>>) => void;
}

/**
 * The background work of a server. Of an installation's processes each works on what is due; each shared task is run by
 * one of them.
 */
export function backgroundTasks(
  stores: Stores,
  services: Services,
  anchoring: Anchoring,
  idempotency: Pick<IdempotencyKeys, 'sweep'>,
  options: BackgroundOptions,
): Task[] {
  const {
    erasure,
    exports: clientExports,
    disclosures,
    announcements,
    agreementReminders,
    recorder,
    ledger,
    rotations,
    clientSecrets,
  } = services;
  const worker = jobWorker(stores, services, { onFailure: options.onJobFailure });
  const sender = webhookSender(stores, services, { onDead: options.onDead });
  const due = dueWork(stores, services);
  const shared = new SharedTasks(stores.regions.home);
  const once = (name: string, everyMs: number, run: () => Promise<unknown>) =>
    shared.task(name, everyMs, async () => {
      await run();
      return undefined;
    });
  return [
    jobsTask(worker, { due }),
    webhooksTask(sender, { due }),
    // Begins once a day, and then goes on part by part.
    shared.task('retention', 5 * MINUTE, async (place) => {
      const swept = /^swept (\d+)$/.exec(place ?? '')?.[1];
      if (swept !== undefined && Date.now() - Number(swept) < DAY - HOUR) return place;
      const from = swept === undefined ? place : undefined;
      return (await erasure.retention.sweepFrom(from, options.onFailure)).place ?? `swept ${Date.now()}`;
    }),
    once('key epochs', HOUR, () => erasure.turning.turnWhenDue()),
    once('uncollected exports', HOUR, () => clientExports.sweep()),
    shared.task('orphan keys', HOUR, async (place) => {
      erasure.orphans.place = place;
      await erasure.orphans.sweep(options.onFailure);
      return erasure.orphans.place;
    }),
    once('key rotation', HOUR, async () => {
      await rotations.end();
      if (options.keyRotation !== 'off') await rotations.beginDue(options.keyRotation);
    }),
    shared.task("clients' secrets", 5 * MINUTE, async (place, signal) => {
      await clientSecrets.advance(options.onFailure, signal);
      const term = options.clientSecretRotation;
      if (term !== 'off') await clientSecrets.beginDue(term, options.onFailure);
      return place;
    }),
    once('terms of erasures', HOUR, async () => {
      const open = await openErasures(stores.regions);
      if (open.dueSoon > 0) options.onNear(open);
    }),
    once('notices of disclosures', MINUTE, () => disclosures.tellDue()),
    once('announcements', MINUTE, () => announcements.tellDue()),
    once('idempotency keys', MINUTE, () => idempotency.sweep()),
    shared.task('reminders of agreements', MINUTE, (place) => agreementReminders.tellDue(place)),
    every('anchors', MINUTE, () => anchoring.run()),
    every('write-ahead logs', MINUTE, async () => {
      const ofKeys = stores.keyStores.all().map(({ source }) => source);
      for (const source of [...stores.regions.all(), ...ofKeys]) await boundWriteAheadLog(source);
    }),
    every('leases of the ledger', 4 * MINUTE, () => ledger.keepAlive()),
    every('failed sign-ins', MINUTE, () => recorder.writeFailures()),
  ];
}

interface WorkOptions {
  /** Milliseconds between two looks at the queues, where `due` does not say when to look. */
  readonly everyMs?: number;
  /** Knows where work is due. Without it every queue is asked each time. */
  readonly due?: Due;
}

/** Works on the queue, without a pause while jobs are due. */
export const jobsTask = (worker: JobWorker, { everyMs = SECOND, due }: WorkOptions = {}): Task => ({
  name: JOBS_TASK,
  everyMs,
  run: async (signal) => (await worker.round(signal, due)) > 0,
  ...whenDue(due),
});

/** Begins to send due notices. On stop it waits for the answers. */
export const webhooksTask = (sender: WebhookSender, { due }: WorkOptions = {}): Task => ({
  ...every('webhooks', SECOND, () => sender.begin(due)),
  settled: () => sender.settled(),
  ...whenDue(due),
});

const whenDue = (due: Due | undefined): Pick<Task, 'pauseMs' | 'onSooner'> =>
  due ? { pauseMs: () => due.pauseMs(), onSooner: (end) => due.onSooner(end) } : {};

const every = (name: string, everyMs: number, run: () => Promise<unknown>): Task => ({
  name,
  everyMs,
  run: async () => {
    await run();
    return false;
  },
});
