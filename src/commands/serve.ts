import cluster from 'node:cluster';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import { type App, openApp } from '../app';
import { type Config, readConfig } from '../config';
import { createServer } from '../gateway/server';
import { CommandError } from './failure';
import { exitTwoOnMisuse } from './misuse';
import { joinWorkers, type Membership, serveByWorkers, workerCount } from './workers';

interface ServeOptions {
  readonly host?: string;
  readonly workers: number;
}

/** `remit serve`: the server, until SIGTERM or SIGINT; then it finishes what is under way and exits with 0. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Serve the API, the playground and the health checks')
    .option('--host <address>', 'address to listen on; this machine alone outside production, every address in it')
    .option('--workers <number>', 'processes that serve, 1 to 64, or auto: one for each processor', workerCount, 1)
    .addHelpText(
      'after',
      `
Workers share the port and the databases. A server database gains by them; the embedded one has one writer at a time,
whoever it is. The environment says the rest; see .env.example.
Examples:
  $ PORT=8080 remit serve --host 0.0.0.0
  $ remit serve --workers auto`,
    )
    .action(start);
  return exitTwoOnMisuse(command);
}

async function start({ host: told, workers }: ServeOptions): Promise<void> {
  const config = readConfig(process.env);
  const host = told ?? (config.production ? '0.0.0.0' : '127.0.0.1');
  if (workers === 1) await serve(config, host);
  else if (cluster.isWorker) await serveAsWorker(config, host);
  else await serveByWorkers(workers, config, host);
}

async function serve(config: Config, host: string): Promise<void> {
  const { app, server, port } = await listen(config, host);
  app.serverOptions.logger.info({ host, port }, `listening on http://${host}:${port}/graphql`);
  closeOnSignal(server, app);
}

async function serveAsWorker(config: Config, host: string): Promise<void> {
  const membership = joinWorkers(config);
  try {
    const { app, server, port } = await listen(config, host, membership);
    closeOnSignal(server, app);
    membership.ready(port);
  } catch (error) {
    membership.failed(error);
  }
}

interface Listening {
  readonly app: App;
  readonly server: FastifyInstance;
  readonly port: number;
}

async function listen(config: Config, host: string, membership?: Membership): Promise<Listening> {
  const app = await openApp(config, membership?.logger);
  let server: FastifyInstance;
  try {
    server = await createServer(membership?.joined(app.serverOptions) ?? app.serverOptions);
    await server.listen({ port: config.port, host });
  } catch (error) {
    await app.close();
    throw portFault(error as NodeJS.ErrnoException);
  }
  // The server answers many: what one of them leaves unhandled must not end it for all.
  process.on('unhandledRejection', (err) => app.serverOptions.logger.error({ err }, 'a rejection was not handled'));
  app.work();
  return { app, server, port: (server.server.address() as AddressInfo).port };
}

function closeOnSignal(server: FastifyInstance, app: App): void {
  const { logger } = app.serverOptions;
  let closing = false;
  const close = async (signal: string) => {
    if (closing) return;
    closing = true;
    logger.info({ signal }, 'shutting down');
    try {
      await server.close();
      await app.close();
      logger.info('shut down');
      process.exit(0);
    } catch (err) {
      logger.error({ err }, 'the shutdown failed');
      process.exit(1);
    }
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
}

/** What keeps the port from being listened on, in words; anything else as it is. */
function portFault(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EADDRINUSE')
    return new CommandError('PORT: another process listens on this port; choose another');
  if (error.code === 'EACCES') {
    return new CommandError('PORT: this user may not listen on this port; choose one above 1023');
  }
  return error;
}
