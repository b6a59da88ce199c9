import { readFile } from 'node:fs/promises';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { jobsTask, jobWorker, webhookSender, webhooksTask } from '../background';
import { type ErasureStatement, verifyCertificate } from '../erasure/records/certificate';
import { readEpochRecords, recordOfCertificate, verifyEpochRecords } from '../erasure/records/epoch-record';
import { CertificateError, readPublicKeys } from '../erasure/records/signed-statement';
import { type ErasureStatus, erasureStatuses } from '../erasure/requests/erasure-request';
import type { ErasureRequestState } from '../erasure/requests/request-state';
import { Jobs } from '../jobs/jobs';
import { Scheduler } from '../jobs/scheduler';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { collect } from './caller-options';
import { counted } from './counted';
import { CommandError } from './failure';
import { moment } from './moments';
import { wholeNumber } from './numbers';
import { progressBar } from './progress';
import { selectedClients } from './selected-clients';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

/** `remit erasures`: lists and performs erasures, repeats them after a restore, checks certificates. */
export function erasuresCommand(): Command {
  const command = new Command('erasures')
    .description('Erasures of people and clients: requests, work and certificates.')
    .addCommand(listCommand())
    .addCommand(runCommand())
    .addCommand(previewCommand())
    .addCommand(replayCommand())
    .addCommand(verifyCommand())
    .addHelpText('after', '\nExample:\n  $ remit erasures verify certificate.json --key erasure-keys.json');
  return exitTwoOnUsageError(command);
}

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

function listCommand(): Command {
  const command = new Command('list')
    .description('List erasure requests, newest first')
    .option('--client <slug>', 'only this client (default: all)')
    .option('--status <status>', 'only this status; repeat for more', collect(status))
    .option('--due-before <time>', 'due before this time, such as 2026-12-01', moment)
    .option('--limit <number>', 'at most this many for each client', wholeNumber, 100)
    .option('--json', 'print {"requests": […]}')
    .addHelpText('after', '\nExample:\n  $ remit erasures list --status ATTENTION_REQUIRED')
    .action(async (options: ListOptions) => {
      const requests = await withStores((services) => list(services, options));
      if (options.json) return print({ requests });
      const table = new Table({ head: ['client', 'request', 'of', 'status', 'requested', 'due', 'completed'], style });
      table.push(
        ...requests.map((request) => [
          request.client,
          request.id,
          request.kind,
          request.status,
          request.requestedAt,
          request.dueAt,
          request.completedAt ?? '',
        ]),
      );
      process.stdout.write(requests.length === 0 ? 'There are none.\n' : `${table.toString()}\n`);
    });
  return exitTwoOnUsageError(command);
}

interface ListOptions {
  readonly client?: string;
  readonly status?: readonly ErasureStatus[];
  readonly dueBefore?: Date;
  readonly limit: number;
  readonly json?: true;
}

async function list(services: Services, options: ListOptions) {
  const requests: Array<ReturnType<typeof lineOf>> = [];
  for await (const { id, slug } of selectedClients(services, options.client)) {
    const filter = { status: options.status ?? null, dueBefore: options.dueBefore ?? null };
    const states = await services.erasure.erasures.list(id, filter, options.limit, undefined);
    requests.push(...states.map((state) => lineOf(slug, state)));
  }
  return requests;
}

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

function lineOf(client: string, state: ErasureRequestState) {
  const { id, kind, status: now, requestedAt, dueAt, keyDeletedAt, keyEpoch, completedAt } = state;
  return {
    client,
    id,
    kind,
    status: now,
    requestedAt: time(requestedAt),
    dueAt: time(dueAt),
    keyDeletedAt: time(keyDeletedAt),
    keyEpoch,
    completedAt: time(completedAt),
  };
}

function runCommand(): Command {
  const command = new Command('run')
    .description('Perform what is due and notify recipients. Several can run at once, also beside servers.')
    .option('--watch', 'run until SIGTERM instead of ending when nothing is due')
    .option('--concurrency <number>', 'erasures at the same time; SQLite does one', wholeNumber, 4)
    .option('--lease <seconds>', 'take over work of a worker that has been silent this long', wholeNumber, 30)
    .option('--sweep', 'first request erasure of what has outlived its retention')
    .option('--json', 'print {"jobs","failed","swept"}')
    .addHelpText('after', '\nExample:\n  $ remit erasures run --sweep')
    .action(async (options: RunOptions) => {
      const done = await withStores((services, stores) => run(services, stores, options));
      if (options.json) print(done);
      else
        process.stdout.write(
          `${counted(done.jobs, 'job')} done, ${done.failed} failed, ${done.swept} requested by retention.\n`,
        );
      if (done.failed > 0) process.exitCode = 1;
    });
  return exitTwoOnUsageError(command);
}

interface RunOptions {
  readonly watch?: true;
  readonly concurrency: number;
  readonly lease: number;
  readonly sweep?: true;
  readonly json?: true;
}

async function run(services: Services, stores: Stores, { watch, concurrency, lease, sweep }: RunOptions) {
  const done = { jobs: 0, failed: 0, swept: 0 };
  const progress = progressBar('erasures');
  const onFailure = () => void done.failed++;
  const worker = jobWorker(stores, services, {
    jobs: new Jobs({ leaseMs: lease * 1_000 }),
    concurrency,
    onDone: () => progress.update(++done.jobs, done.jobs + 1),
    onFailure,
  });
  const sender = webhookSender(stores, services);
  if (sweep) {
    done.swept = await services.erasure.retention.sweep(onFailure);
    await services.erasure.orphans.sweep(onFailure);
    await services.exports.sweep();
  }
  if (watch) {
    const tasks = [jobsTask(worker, { everyMs: 100 }), webhooksTask(sender)];
    const scheduler = new Scheduler(tasks, { onFailure });
    scheduler.start();
    await new Promise((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
    });
    await scheduler.stop();
  } else {
    await worker.drain().catch(onFailure);
    await sender.begin();
    await sender.settled();
  }
  progress.stop();
  return done;
}

function previewCommand(): Command {
  const command = new Command('preview')
    .description('Show what the retention sweep would request now, without requesting it')
    .option('--client <slug>', 'only this client (default: all)')
    .option('--json', 'print {"rules": […]}')
    .addHelpText('after', '\nExample:\n  $ remit erasures preview --client acme')
    .action(async (options: { client?: string; json?: true }) => {
      const rules = await withStores((services) => preview(services, options.client));
      if (options.json) return print({ rules });
      const table = new Table({ head: ['client', 'category', 'days', 'nothing since', 'customers'], style });
      table.push(...rules.map((rule) => [rule.client, rule.category, rule.days, rule.cutoff, rule.customers]));
      process.stdout.write(rules.length === 0 ? 'No retention is set.\n' : `${table.toString()}\n`);
    });
  return exitTwoOnUsageError(command);
}

async function preview(services: Services, reference: string | undefined) {
  const rules = [];
  for await (const { id, slug } of selectedClients(services, reference)) {
    for (const due of await services.erasure.retention.preview(id)) {
      const { category, days, cutoff, customers } = due;
      rules.push({ client: slug, category: category ?? 'everything', days, cutoff: cutoff.toISOString(), customers });
    }
  }
  return rules;
}

function replayCommand(): Command {
  const command = new Command('replay')
    .description('After a restore: erase again the people whom the backup brought back')
    .requiredOption('--since <time>', 'when the backup was made, or earlier', moment)
    .option('--dry-run', 'only show who would be erased')
    .option('--json', 'print {"replayed": […]}')
    .addHelpText('after', '\nExample:\n  $ remit erasures replay --since 2026-11-01T00:00:00Z')
    .action(async (options: { since: Date; dryRun?: true; json?: true }) => {
      const result = await withStores((services, stores) =>
        replay(services, stores, options.since, options.dryRun ?? false),
      );
      if (options.json) print(result);
      else {
        const { replayed, failed } = result;
        const what = options.dryRun ? 'would be erased again' : 'erased again';
        const rows = replayed.reduce((sum, each) => sum + each.rows, 0);
        process.stdout.write(`${replayed.length} ${what}, with ${counted(rows, 'row')}; ${failed} failed.\n`);
      }
      if (result.failed > 0) process.exitCode = 1;
    });
  return exitTwoOnUsageError(command);
}

async function replay(services: Services, stores: Stores, since: Date, dryRun: boolean) {
  let failed = 0;
  const progress = progressBar('records');
  const replayed = await services.erasure.replay.run({
    since: since.getTime(),
    dryRun,
    onProgress: (looked) => progress.update(looked, looked),
  });
  progress.stop();
  const onFailure = () => void failed++;
  if (!dryRun) await jobWorker(stores, services, { onFailure }).drain().catch(onFailure);
  return { replayed, failed };
}

function verifyCommand(): Command {
  const command = new Command('verify')
    .description("Check a certificate with a public key, or with this installation's own key")
    .argument('<certificate>', 'the certificate, a JSON file')
    .option('--key <file>', 'public keys: a JWK set from the query erasureCertificateKeys, a JWK, or PEM')
    .option('--epochs <file>', 'records of epochs, see `remit keys epochs --export` (default: those of the store)')
    .option('--json', 'print the statement of the certificate')
    .addHelpText(
      'after',
      '\nExit code 1 when the certificate is not valid.\n\nExample:\n  $ remit erasures verify cert.json --key pub.pem',
    )
    .action(async (file: string, options: VerifyOptions) => {
      const text = await readFile(file, 'utf8');
      try {
        const { statement, epoch } = await verify(text, options);
        if (options.json) return print(statement);
        process.stdout.write(describe(statement, epoch));
      } catch (error) {
        throw error instanceof CertificateError ? new CommandError(`${file}: ${error.message}`) : error;
      }
    });
  return exitTwoOnUsageError(command);
}

interface VerifyOptions {
  readonly key?: string;
  readonly epochs?: string;
  readonly json?: true;
}

/** Whether the epoch's own record was checked, and says the same. */
type CheckedEpoch = 'CHECKED' | 'NOT_CHECKED' | undefined;

async function verify(text: string, { key, epochs }: VerifyOptions) {
  const { keys, records } = key
    ? { keys: await readPublicKeys(await readFile(key, 'utf8')), records: undefined }
    : await withStores(async ({ erasure }) => ({
        keys: await erasure.signingKeys.publicKeys(),
        records: await erasure.epochRecords.all(),
      }));
  const statement = await verifyCertificate(text, keys);
  return { statement, epoch: await checkEpoch(statement, keys, epochs, records) };
}

async function checkEpoch(
  statement: ErasureStatement,
  keys: Awaited<ReturnType<typeof readPublicKeys>>,
  file: string | undefined,
  stored: readonly string[] | undefined,
): Promise<CheckedEpoch> {
  if (statement.version === 1 || statement.epoch === null) return undefined;
  const texts = file === undefined ? stored : readEpochRecords(await readFile(file, 'utf8'));
  if (!texts) return 'NOT_CHECKED';
  const { epoch, finalAt } = statement;
  recordOfCertificate(await verifyEpochRecords(texts, keys), { epoch, finalAt });
  return 'CHECKED';
}

function describe(statement: ErasureStatement, epoch: CheckedEpoch): string {
  const { request, completedAt, erased, retained } = statement;
  const rows = erased.reduce((sum, step) => sum + step.rows, 0);
  const table = new Table({ head: ['store', 'action', 'rows'], style });
  table.push(...erased.map((step) => [step.store, step.action, step.rows]));
  const kept = retained.map(
    ({ category, reason, until }) => `  kept: ${category}, ${reason}, until ${until ?? 'released'}\n`,
  );
  return [
    `The signature is valid. Request ${request}, ${completedAt}: ${counted(rows, 'row')}${ofKey(statement)}.\n`,
    ...momentsOf(statement, epoch),
    `${table.toString()}\n`,
    ...kept,
  ].join('');
}

const ofKey = ({ keyDestroyed, keyAbsent }: ErasureStatement): string =>
  keyDestroyed ? ', key destroyed' : keyAbsent ? ', there was no key' : '';

/** When the key was deleted, and since when that is final, in words. */
function momentsOf(statement: ErasureStatement, epoch: CheckedEpoch): string[] {
  if (statement.version === 1 || statement.keyDeletedAt === null) return [];
  const deleted = `The key was deleted at ${statement.keyDeletedAt}.\n`;
  if (statement.epoch === null) return [deleted, `${statement.withoutEpoch}\n`];
  const record = epoch === 'CHECKED' ? 'its record is valid' : 'its record was not checked, see --epochs';
  return [deleted, `It is final since ${statement.finalAt}, when epoch ${statement.epoch.number} ended: ${record}.\n`];
}

const style = { head: [], border: [], compact: true };

function status(text: string): ErasureStatus {
  const known = (Object.keys(erasureStatuses) as ErasureStatus[]).find((name) => name === text);
  if (!known) throw new InvalidArgumentError(`Statuses are ${Object.keys(erasureStatuses).join(', ')}.`);
  return known;
}
