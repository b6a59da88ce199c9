import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import { type App, openApp } from '../app';
import { type Config, readConfig } from '../config';
import { createServer } from '../gateway/server';
import { CommandError } from './failure';
import { exitTwoOnMisuse } from './misuse';

/** `remit serve`: the server, until SIGTERM or SIGINT; then it finishes what is under way and exits with 0. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Serve the API, the playground and the health checks')
    .option('--host <address>', 'address to listen on; this machine alone outside production, every address in it')
    .addHelpText(
      'after',
      '\nThe environment says the rest; see .env.example.\nExample:\n  $ PORT=8080 remit serve --host 0.0.0.0',
    )
    .action(({ host }: { host?: string }) => serve(readConfig(process.env), host));
  return exitTwoOnMisuse(command);
}

async function serve(config: Config, host = config.production ? '0.0.0.0' : '127.0.0.1'): Promise<void> {
  const app = await openApp(config);
  let server: FastifyInstance;
  try {
    server = await createServer(app.serverOptions);
    await server.listen({ port: config.port, host });
  } catch (error) {
    await app.close();
    throw portFault(error as NodeJS.ErrnoException);
  }
  const { port } = server.server.address() as AddressInfo;
  app.work();
  app.serverOptions.logger.info({ host, port }, `listening on http://${host}:${port}/graphql`);
  closeOnSignal(server, app);
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
