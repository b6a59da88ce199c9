import cluster from 'node:cluster';
import { channel } from 'node:diagnostics_channel';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import { type App, openApp } from '../app';
import { SETTLED } from '../bundle';
import { type Config, EnvironmentError, readConfig } from '../config';
import { createServer } from '../gateway/server';
import { type Ending, endInOrder, onEndSignals } from '../gateway/shutdown';
import { startTelemetry } from '../gateway/telemetry';
import { loadMasterKeyFile } from '../keys/master-key';
import { ConfigurationError } from '../storage/errors';
import { CommandError } from './failure';
import { buildPlayground } from './playground-build';
import { exitTwoOnUsageError } from './usage-errors';
import { joinWorkers, type Membership, serveByWorkers, workerCount } from './workers';

interface ServeOptions {
  readonly host?: string;
  readonly workers: number;
}

/** `remit serve`: serves until SIGTERM or SIGINT, then finishes running requests and exits with 0. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Serve the API, the playground and the health checks')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, in production 0.0.0.0)')
    .option('--workers <number>', 'number of processes, 1 to 64, or auto for one per processor', workerCount, 1)
    .addHelpText(
      'after',
      `
Workers share the port and the databases. They help with a database server; SQLite has one writer at a time.
Everything else is configured by the environment; see .env.example.
Examples:
  $ PORT=8080 remit serve --host 0.0.0.0
  $ remit serve --workers auto`,
    )
    .action(start);
  return exitTwoOnUsageError(command);
}

/** How long after it listens a server forgets what only its start needed, in milliseconds. */
const SETTLED_MS = 5_000;
const BETWEEN_MS = 1_000;

/**
 * A fifth of a new server's memory: Node keeps it until the heap has grown by half, and that of an idle server never
 * does. The first collection finds it, a second one gives its pages back.
 */
function forgetStart(): void {
  channel(SETTLED).publish(undefined);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  setTimeout(collect, BETWEEN_MS).unref();
}

async function start({ host: told, workers }: ServeOptions): Promise<void> {
  // The first process has checked the key file. A worker that cannot open it reports a failure of its own.
  const config = cluster.isWorker ? readConfig(process.env, { toServe: true }) : await configOf(process.env);
  const host = told ?? (config.production ? '0.0.0.0' : '127.0.0.1');
  if (!config.production && !cluster.isWorker) void buildPlayground();
  if (workers === 1) await serve(config, host);
  else if (cluster.isWorker) await serveAsWorker(config, host);
  else await serveByWorkers(workers, config, host);
}

/** The configuration of a server, with its key file. All faults are reported together. */
async function configOf(env: NodeJS.ProcessEnv): Promise<Config> {
  const faults: ConfigurationError[] = [];
  const kept = (error: unknown) => {
    if (error instanceof EnvironmentError) faults.push(...error.faults);
    else if (error instanceof ConfigurationError) faults.push(error);
    else throw error;
  };
  const { REMIT_MASTER_KEY_FILE: keyFile, NODE_ENV } = env;
  if (keyFile?.trim()) await loadMasterKeyFile(keyFile, { production: NODE_ENV === 'production' }).catch(kept);
  try {
    const config = readConfig(env, { toServe: true });
    if (faults.length === 0) return config;
  } catch (error) {
    kept(error);
  }
  throw new EnvironmentError(faults);
}

async function serve(config: Config, host: string): Promise<void> {
  const { app, port, close } = await listen(config, host);
  app.serverOptions.logger.info({ host, port }, `listening on http://${host}:${port}/graphql`);
  endOnSignal(app, close);
}

async function serveAsWorker(config: Config, host: string): Promise<void> {
  const membership = joinWorkers(config);
  try {
    const { app, port, close } = await listen(config, host, membership);
    endOnSignal(app, close);
    membership.ready(port);
  } catch (error) {
    membership.failed(error);
  }
}

interface Listening {
  readonly app: App;
  readonly port: number;
  /**
   * Reports not ready, waits until load balancers have seen that, and closes.
   * @returns whether all ended well within the grace
   */
  close(): Promise<boolean>;
}

async function listen(config: Config, host: string, membership?: Membership): Promise<Listening> {
  const app = await openApp(config, membership?.logger);
  const endTelemetry = await startTelemetry(config.telemetry, app.serverOptions.logger);
  const leaving = new AbortController();
  let server: FastifyInstance;
  try {
    const options = { ...app.serverOptions, leaving: leaving.signal };
    server = await createServer(membership?.joined(options) ?? options);
    await server.listen({ port: config.port, host });
  } catch (error) {
    await app.close();
    throw portFault(error as NodeJS.ErrnoException);
  }
  // An unhandled rejection of one request must not end the server for all others.
  process.on('unhandledRejection', (err) => app.serverOptions.logger.error({ err }, 'a rejection was not handled'));
  app.work();
  setTimeout(forgetStart, SETTLED_MS).unref();
  const endings: Ending[] = [
    {
      what: 'requests under way',
      end: async () => {
        leaving.abort();
        await sleep(config.shutdownDelay * 1_000);
        await server.close();
      },
    },
    ...app.endings,
    { what: 'traces and logs', end: endTelemetry },
  ];
  const close = () => endInOrder(endings, config.shutdownGrace * 1_000, app.serverOptions.logger);
  return { app, port: (server.server.address() as AddressInfo).port, close };
}

/** Ends the process at the first signal within its grace, and at once at a further one. */
function endOnSignal({ serverOptions: { logger } }: App, close: () => Promise<boolean>): void {
  onEndSignals(
    async (signal) => {
      logger.info({ signal }, 'shutting down');
      const isWell = await close();
      if (isWell) logger.info('shut down');
      else logger.error('the shutdown failed');
      process.exit(isWell ? 0 : 1);
    },
    (signal) => {
      logger.error({ signal }, 'told to end again: what is under way is cut off');
      process.exit(1);
    },
  );
}

/** Explains why the port cannot be used. Other errors are returned unchanged. */
function portFault(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EADDRINUSE')
    return new CommandError('PORT: another process listens on this port; choose another');
  if (error.code === 'EACCES') {
    return new CommandError('PORT: this user may not listen on this port; choose one above 1023');
  }
  return error;
}
