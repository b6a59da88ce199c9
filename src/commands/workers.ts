import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import { InvalidArgumentError } from 'commander';
import type { Logger } from 'pino';
import { AggregatorRegistry } from 'prom-client';
import type { Config } from '../config';
import { defaultServerLimits } from '../gateway/limits';
import { createLogger } from '../gateway/logging';
import type { ServerOptions } from '../gateway/server-options';
import { onEndSignals } from '../gateway/shutdown';
import { stoppedAfterMs } from '../gateway/watchdog';
import { ConfigurationError } from '../storage/errors';
import { parseStoreUrl } from '../storage/store-url';
import { openStores } from '../stores';
import { CommandError, faultsOf } from './failure';

const MAX_WORKERS = 64;
/**
 * Objects of running requests are copied by each young-generation collection. More memory means fewer of them. Node
 * takes this only when it starts: `npm start` and the image say it too.
 */
const YOUNG_GENERATION = '--max-semi-space-size=32';
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A worker that lived this long started well: the pauses before a restart begin again at the shortest. */
const SOUND_LIFE_MS = 60_000;
/** A worker whose grace is over has this long to exit by itself. */
const EXIT_MS = 2_000;
const HEARTBEAT_MS = 1_000;

type FromWorker =
  | { readonly type: 'remit:ready'; readonly port: number }
  | { readonly type: 'remit:failed'; readonly faults: string[]; readonly stack: string | undefined }
  | { readonly type: 'remit:measure'; readonly id: number }
  /** Sent every second: it gets on, or why it does not. */
  | { readonly type: 'remit:alive'; readonly faults: readonly string[] };

/** `metrics` is absent when they could not be collected. */
type ToWorker = { readonly type: 'remit:measured'; readonly id: number; readonly metrics?: string };

/** Reads `--workers`: 1 to 64, or `auto` for one per processor. */
export function workerCount(text: string): number {
  const count = text === 'auto' ? Math.min(availableParallelism(), MAX_WORKERS) : Number(text);
  if (text !== 'auto' && (!/^\d{1,2}$/.test(text) || count < 1 || count > MAX_WORKERS)) {
    throw new InvalidArgumentError(`Write a number from 1 to ${MAX_WORKERS}, or auto.`);
  }
  return count;
}

/**
 * Serves with `count` processes that share the port and the databases, until SIGTERM or SIGINT. Then this process
 * exits, with 0 if every worker closed cleanly.
 * @throws {ConfigurationError | CommandError} why the first workers cannot start
 */
export async function serveByWorkers(count: number, config: Config, host: string): Promise<void> {
  refuseMemory(config);
  // Each worker opens the stores itself. Opening them here first reports a fault once and migrates SQLite once.
  await (await openStores(config)).close();
  const logger = createLogger({ level: config.logLevel });
  cluster.setupPrimary({
    args: ['serve', '--host', host, '--workers', String(count)],
    execArgv: [YOUNG_GENERATION, ...process.execArgv],
  });
  await new Primary(count, host, config, logger).run();
}

/** This process as one of the workers of a server. */
export interface Membership {
  readonly logger: Logger;
  /** Server options with which `/metrics` answers for all workers. */
  joined(options: ServerOptions): ServerOptions;
  /** Tells the primary that this worker listens. */
  ready(port: number): void;
  /** Tells the primary why this worker cannot start, and exits. */
  failed(error: unknown): void;
}

/** Makes this forked process a worker of its primary. */
export function joinWorkers(config: Config): Membership {
  const tell = (message: FromWorker, told?: () => void) => process.send?.(message, undefined, {}, told);
  // From now on the primary gets an answer; until the server runs it is empty.
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
      watched: (watchdog) => {
        setInterval(() => tell({ type: 'remit:alive', faults: watchdog.faults() }), HEARTBEAT_MS).unref();
      },
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

/** Forks the workers, replaces those that die, and ends after the last one. */
class Primary {
  readonly #metrics = new AggregatorRegistry();
  readonly #alive = new Set<Worker>();
  readonly #serving = new Set<Worker>();
  readonly #pauses = new Set<NodeJS.Timeout>();
  readonly #graceMs: number;
  readonly #hungAfterMs: number;
  /** When each worker that listens was last heard of. Milliseconds of `performance.now()`. */
  readonly #heard = new Map<Worker, number>();
  /** All workers have been serving at the same time. */
  #started = false;
  #closing = false;
  /** Why the server did not start. */
  #fault: Error | undefined;
  /** A worker did not close cleanly. */
  #failed = false;
  /** Called when the last worker has exited. */
  #end: () => void = () => undefined;

  constructor(
    private readonly count: number,
    private readonly host: string,
    { shutdownGrace, limits }: Pick<Config, 'shutdownGrace' | 'limits'>,
    private readonly logger: Logger,
  ) {
    this.#graceMs = shutdownGrace * 1_000;
    this.#hungAfterMs = stoppedAfterMs({ ...defaultServerLimits, ...limits });
  }

  async run(): Promise<void> {
    onEndSignals(
      (signal) => {
        if (this.#closing) return;
        this.logger.info({ signal }, 'shutting down');
        this.#close();
      },
      () => this.#kill('told to end again: the workers are killed'),
    );
    this.#watch();
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      for (let n = 0; n < this.count; n++) this.#fork(FIRST_PAUSE_MS);
    });
    if (this.#fault) throw this.#fault;
    if (this.#failed) this.logger.error('the shutdown failed');
    else this.logger.info('shut down');
    process.exit(this.#failed ? 1 : 0);
  }

  /** @param pause how long to wait before a replacement, if this worker dies early */
  #fork(pause: number): void {
    const worker = cluster.fork();
    const born = performance.now();
    let fault: Error | undefined;
    this.#alive.add(worker);
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'remit:ready') this.#serves(worker, message.port);
      if (message.type === 'remit:alive') this.#hears(worker, message.faults);
      if (message.type === 'remit:measure') void this.#measure(worker, message.id);
      if (message.type === 'remit:failed') fault = faultOf(message);
    });
    const end = (code: number | null, signal: string | null) => {
      if (!this.#alive.delete(worker)) return;
      const served = this.#serving.delete(worker);
      this.#heard.delete(worker);
      if (this.#closing) {
        // A worker that was not serving yet had nothing to finish: the signal may end it at once.
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
    // A process that could not be started never emits 'exit'. Other errors are undelivered messages; 'exit' follows.
    worker.on('error', () => {
      if (worker.process.pid === undefined) end(null, null);
    });
  }

  #hears(worker: Worker, faults: readonly string[]): void {
    this.#heard.set(worker, performance.now());
    if (faults.length > 0) this.#replaceHung(worker, faults);
  }

  /** A worker that says nothing is kept busy by something, or was stopped. */
  #watch(): void {
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      // This process was stopped itself, with all others: what they said waits to be read.
      const wasStopped = now - last > 2 * HEARTBEAT_MS;
      last = now;
      for (const [worker, heardAt] of this.#heard) {
        if (wasStopped) this.#heard.set(worker, now);
        else if (now - heardAt > this.#hungAfterMs) this.#replaceHung(worker, ['it keeps its event loop']);
      }
    }, HEARTBEAT_MS).unref();
  }

  /** Its exit is noticed like any other. */
  #replaceHung(worker: Worker, faults: readonly string[]): void {
    if (this.#closing) return;
    this.#heard.delete(worker);
    this.logger.error({ hung: worker.process.pid, faults }, 'a worker is wedged: it is killed');
    worker.process.kill('SIGKILL');
  }

  #serves(worker: Worker, port: number): void {
    this.#serving.add(worker);
    this.#heard.set(worker, performance.now());
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

  /** Closing twice is harmless: Ctrl-C in a terminal has reached the workers already. */
  #close(): void {
    this.#closing = true;
    for (const timer of this.#pauses) clearTimeout(timer);
    const kill = () => this.#kill('workers have outlived their grace: they are killed');
    setTimeout(kill, this.#graceMs + EXIT_MS).unref();
    for (const worker of this.#alive) worker.process.kill('SIGTERM');
    if (this.#alive.size === 0) this.#end();
  }

  /** A worker that is stuck cannot end itself. */
  #kill(message: string): void {
    this.#failed = true;
    this.logger.error({ workers: [...this.#alive].map(({ process: { pid } }) => pid) }, message);
    for (const worker of this.#alive) worker.process.kill('SIGKILL');
  }
}

function faultOf({ faults, stack }: { faults: string[]; stack: string | undefined }): Error {
  const fault = new CommandError(faults.join('\n'));
  if (stack !== undefined) fault.stack = stack;
  return fault;
}

function refuseMemory({ databaseUrl, regionalDatabaseUrls, keysDatabaseUrl, regionalKeys = {} }: Config): void {
  const regional = [
    ...Object.entries(regionalDatabaseUrls).map(([region, url]) => [`DATABASE_URL_${region}`, url]),
    ...Object.entries(regionalKeys).map(([region, { url }]) => [`KEYS_DATABASE_URL_${region}`, url]),
  ];
  const urls = { DATABASE_URL: databaseUrl, KEYS_DATABASE_URL: keysDatabaseUrl, ...Object.fromEntries(regional) };
  for (const [variable, url] of Object.entries<string>(urls)) {
    const address = parseStoreUrl(url, variable);
    if (address.kind === 'mysql' || address.path !== ':memory:') continue;
    throw new ConfigurationError(
      variable,
      'a database in memory belongs to one process; name a file, or leave --workers out',
    );
  }
}
