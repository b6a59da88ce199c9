import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import { InvalidArgumentError } from 'commander';
import type { Logger } from 'pino';
import { AggregatorRegistry } from 'prom-client';
import type { Config } from '../config';
import { createLogger } from '../gateway/logging';
import type { ServerOptions } from '../gateway/server-options';
import { ConfigurationError } from '../storage/errors';
import { parseStoreUrl } from '../storage/store-url';
import { openStores } from '../stores';
import { CommandError, faultsOf } from './failure';

const MAX_WORKERS = 64;
/** What requests under way hold is copied by each collection of the young generation: fewer of them, in more memory. */
const YOUNG_GENERATION = '--max-semi-space-size=64';
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A worker that lived so long did not die of its start: the pauses begin anew. */
const SOUND_LIFE_MS = 60_000;

type FromWorker =
  | { readonly type: 'remit:ready'; readonly port: number }
  | { readonly type: 'remit:failed'; readonly faults: string[]; readonly stack: string | undefined }
  | { readonly type: 'remit:measure'; readonly id: number };

/** `metrics` is absent where they could not be gathered. */
type ToWorker = { readonly type: 'remit:measured'; readonly id: number; readonly metrics?: string };

/** Reads `--workers`: 1 to 64, or `auto` for as many as this machine runs at once. */
export function workerCount(text: string): number {
  const count = text === 'auto' ? Math.min(availableParallelism(), MAX_WORKERS) : Number(text);
  if (text !== 'auto' && (!/^\d{1,2}$/.test(text) || count < 1 || count > MAX_WORKERS)) {
    throw new InvalidArgumentError(`Write a number from 1 to ${MAX_WORKERS}, or auto.`);
  }
  return count;
}

/**
 * Serves by `count` processes that share the port and the databases, until SIGTERM or SIGINT; then ends this process,
 * with 0 where each of them ended in order.
 * @throws {ConfigurationError | CommandError} what keeps the first workers from starting, once
 */
export async function serveByWorkers(count: number, config: Config, host: string): Promise<void> {
  refuseMemory(config);
  // Each worker opens the stores for itself: what is wrong with them is said, and the embedded one migrated, once.
  await (await openStores(config)).close();
  const logger = createLogger({ level: config.logLevel });
  cluster.setupPrimary({
    args: ['serve', '--host', host, '--workers', String(count)],
    execArgv: [YOUNG_GENERATION, ...process.execArgv],
  });
  await new Primary(count, host, logger).run();
}

/** This process among the workers of one server. */
export interface Membership {
  readonly logger: Logger;
  /** The options of a server that answers `/metrics` for all of them. */
  joined(options: ServerOptions): ServerOptions;
  /** It listens, and closes when it is told to. */
  ready(port: number): void;
  /** It cannot start: tells why, and ends. */
  failed(error: unknown): void;
}

/** Makes this process, which the primary forked, one of its workers. */
export function joinWorkers(config: Config): Membership {
  const tell = (message: FromWorker, told?: () => void) => process.send?.(message, undefined, {}, told);
  // From here on the primary is answered; while this process starts, with nothing measured.
  new AggregatorRegistry();
  const asked = new Map<number, (answer: ToWorker) => void>();
  process.on('message', (message: ToWorker) => {
    if (message.type !== 'remit:measured') return;
    asked.get(message.id)?.(message);
    asked.delete(message.id);
  });
  let id = 0;
  const metricsOfAll = () =>
    new Promise<string>((resolve, reject) => {
      id++;
      asked.set(id, ({ metrics }) => {
        if (metrics === undefined) reject(new Error('the primary could not gather the metrics'));
        else resolve(metrics);
      });
      tell({ type: 'remit:measure', id });
    });
  return {
    logger: createLogger({ level: config.logLevel }).child({ worker: cluster.worker?.id }),
    joined: (options) => ({
      ...options,
      metricsOfAll,
      measure: (registry) => {
        options.measure?.(registry);
        AggregatorRegistry.setRegistries(registry);
      },
    }),
    ready: (port) => tell({ type: 'remit:ready', port }),
    failed: (error) => {
      const stack = error instanceof Error ? error.stack : undefined;
      tell({ type: 'remit:failed', faults: faultsOf(error), stack }, () => process.exit(1));
    },
  };
}

/** Forks the workers, replaces those that die, and ends with the last of them. */
class Primary {
  readonly #metrics = new AggregatorRegistry();
  readonly #alive = new Set<Worker>();
  readonly #serving = new Set<Worker>();
  readonly #pauses = new Set<NodeJS.Timeout>();
  /** Every worker has served at once. */
  #started = false;
  #closing = false;
  /** Why nothing was started. */
  #fault: Error | undefined;
  /** A worker did not close in order. */
  #failed = false;
  /** The last worker is gone. */
  #end: () => void = () => undefined;

  constructor(
    private readonly count: number,
    private readonly host: string,
    private readonly logger: Logger,
  ) {}

  async run(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (this.#closing) return;
        this.logger.info({ signal }, 'shutting down');
        this.#close();
      });
    }
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      for (let n = 0; n < this.count; n++) this.#fork(FIRST_PAUSE_MS);
    });
    if (this.#fault) throw this.#fault;
    if (this.#failed) this.logger.error('the shutdown failed');
    else this.logger.info('shut down');
    process.exit(this.#failed ? 1 : 0);
  }

  /** @param pause how long to wait before this worker's successor, should it die early */
  #fork(pause: number): void {
    const worker = cluster.fork();
    const born = performance.now();
    let fault: Error | undefined;
    this.#alive.add(worker);
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'remit:ready') this.#serves(worker, message.port);
      if (message.type === 'remit:measure') void this.#measure(worker, message.id);
      if (message.type === 'remit:failed') fault = faultOf(message);
    });
    const end = (code: number | null, signal: string | null) => {
      if (!this.#alive.delete(worker)) return;
      const served = this.#serving.delete(worker);
      if (this.#closing) {
        // Who had not begun to serve had nothing to finish: the signal ends it as it stands.
        if (served && code !== 0) this.#failed = true;
        if (this.#alive.size === 0) this.#end();
      } else if (served || this.#started) {
        this.logger.error({ ended: { pid: worker.process.pid, code, signal } }, 'a worker ended unexpectedly');
        if (fault) this.logger.error({ faults: fault.message.split('\n') }, 'a worker could not start');
        this.#replace(performance.now() - born < SOUND_LIFE_MS ? pause : FIRST_PAUSE_MS);
      } else {
        this.#fault = fault ?? new CommandError(`a worker ended before it could serve (${signal ?? `code ${code}`})`);
        this.#close();
      }
    };
    worker.once('exit', end);
    // A process that could not be made never exits. Else a message was not delivered, which its end says better.
    worker.on('error', () => {
      if (worker.process.pid === undefined) end(null, null);
    });
  }

  #serves(worker: Worker, port: number): void {
    this.#serving.add(worker);
    if (this.#started || this.#closing || this.#serving.size < this.count) return;
    this.#started = true;
    const { host } = this;
    this.logger.info({ host, port, workers: this.count }, `listening on http://${host}:${port}/graphql`);
  }

  async #measure(worker: Worker, id: number): Promise<void> {
    const metrics = await this.#metrics.clusterMetrics().catch(() => undefined);
    const answer: ToWorker = { type: 'remit:measured', id, ...(metrics === undefined ? {} : { metrics }) };
    if (worker.isConnected()) worker.send(answer, undefined, {}, () => undefined);
  }

  #replace(pause: number): void {
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      this.#fork(Math.min(2 * pause, LONGEST_PAUSE_MS));
    }, pause);
    this.#pauses.add(timer);
  }

  /** Workers close once, however often they are told: a terminal's Ctrl-C has reached them already. */
  #close(): void {
    this.#closing = true;
    for (const timer of this.#pauses) clearTimeout(timer);
    for (const worker of this.#alive) worker.process.kill('SIGTERM');
    if (this.#alive.size === 0) this.#end();
  }
}

function faultOf({ faults, stack }: { faults: string[]; stack: string | undefined }): Error {
  const fault = new CommandError(faults.join('\n'));
  if (stack !== undefined) fault.stack = stack;
  return fault;
}

function refuseMemory({ databaseUrl, regionalDatabaseUrls, keysDatabaseUrl }: Config): void {
  const regional = Object.entries(regionalDatabaseUrls).map(([region, url]) => [`DATABASE_URL_${region}`, url]);
  const urls = { DATABASE_URL: databaseUrl, KEYS_DATABASE_URL: keysDatabaseUrl, ...Object.fromEntries(regional) };
  for (const [variable, url] of Object.entries<string>(urls)) {
    const address = parseStoreUrl(url, variable);
    if (address.kind === 'mysql' || address.path !== ':memory:') continue;
    throw new ConfigurationError(variable, 'a database in memory is one process’s own; name a file, or no --workers');
  }
}
