import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import type { FastifyInstance } from 'fastify';
import { type App, openApp } from '../app';
import { type Config, EnvironmentError, readConfig } from '../config';
import { createServer } from '../gateway/server';
import { SchemaPolicyError } from '../governance/govern';
import { ConfigurationError } from '../storage/errors';
import { exitTwoOnMisuse } from './misuse';

/** `remit serve`: the server, until SIGTERM or SIGINT; then it finishes what is under way and exits with 0. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Serve the API, the playground and the health checks')
    .option('--host <address>', 'address to listen on; this machine alone outside production, every address in it')
    .addHelpText('after', '\nThe environment says the rest; see .env.example.')
    .action(async ({ host }: { host?: string }) => {
      try {
        await serve(readConfig(process.env), host);
      } catch (error) {
        for (const fault of faultsOf(error)) process.stderr.write(`${fault}\n`);
        process.exit(1);
      }
    });
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
    throw error;
  }
  const { port } = server.server.address() as AddressInfo;
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

/** What keeps the server from starting, a line each: in words where the fault is the operator's to mend. */
function faultsOf(error: unknown): string[] {
  if (error instanceof EnvironmentError) return error.faults.map(({ message }) => message);
  if (error instanceof ConfigurationError || error instanceof SchemaPolicyError) return error.message.split('\n');
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return ['PORT: another process listens on this port; choose another'];
  if (code === 'EACCES') return ['PORT: this user may not listen on this port; choose one above 1023'];
  return [`The server cannot start: ${message}`];
}
