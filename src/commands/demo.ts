import { Command, InvalidArgumentError } from 'commander';
import type { FastifyInstance } from 'fastify';
import { type App, openApp } from '../app';
import type { Config } from '../config';
import { createServer } from '../gateway/server';
import { allCallers, type Caller, callersForHealth, callersOfTheClinic, tokenCommandFor } from './demo/callers';
import { type Comparison, compare } from './demo/comparison';
import { comparisonTable, reasonsText } from './demo/comparison-table';
import { customerComparison, healthComparison } from './demo/comparisons';
import { type ErasedPerson, eraseSomebody, erasureText } from './demo/erased-person';
import { announceDemo, forgetDemo } from './demo/installation-file';
import { addCallerLinks, linkTo } from './demo/links';
import { fillWithSamples } from './demo/sample-data';
import { CommandError } from './failure';
import { buildPlayground } from './playground-build';
import { temporaryInstallation } from './temporary-installation';
import { exitTwoOnUsageError } from './usage-errors';

interface DemoOptions {
  readonly once?: true;
  readonly port?: number;
}

/** `remit demo`: shows the same query by several callers on sample data, then serves it to try out. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description(
      'Fill a temporary database with sample data, let several callers send the same query, and show who saw what\n' +
        'and why. Then serve it, workers included, with a link for each caller, until Ctrl-C; the database is ' +
        'deleted\n' +
        'afterwards. Meanwhile `remit COMMAND --demo`, in the same folder, works on its data.',
    )
    .option('--once', 'stop after the tables')
    .option('--port <number>', 'port to serve on; PORT or 4000 unless told', port)
    .addHelpText('after', '\nExample:\n  $ remit demo --port 4001')
    .action(demo);
  return exitTwoOnUsageError(command);
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('Write a number up to 65535.');
  return Number(text);
}

async function demo(options: DemoOptions): Promise<void> {
  if (process.env.NODE_ENV === 'production') {
    throw new CommandError('the demo signs development tokens and is not for production; unset NODE_ENV');
  }
  const { PORT, LOG_LEVEL } = process.env;
  const installation = await temporaryInstallation({ LOG_LEVEL: LOG_LEVEL || 'error', ...(PORT ? { PORT } : {}) });
  const running = new RunningDemo(installation.remove);
  const building = options.once ? undefined : buildPlayground();
  try {
    await running.open(installation.config, options.once ? 0 : (options.port ?? installation.config.port));
    await show(running.address);
    if (running.erased) process.stdout.write(`\n${erasureText(running.erased)}`);
    if (options.once) return await running.close();
    await running.work(installation.environment);
    await building;
    printLinks(running.address);
  } catch (error) {
    if (running.closing) return;
    await running.close();
    throw error;
  }
}

/** What runs during a demo. A signal can close it in any state. */
class RunningDemo {
  readonly #remove: () => void;
  #app?: App;
  #server?: FastifyInstance;
  address = '';
  erased: ErasedPerson | undefined;
  /** A signal has arrived. Errors from now on are its consequence. */
  closing = false;

  constructor(remove: () => void) {
    this.#remove = remove;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void this.#end());
  }

  async open(config: Config, port: number): Promise<void> {
    this.#app = await openApp(config);
    await fillWithSamples(this.#app.services, this.#app.stores);
    this.erased = await eraseSomebody(this.#app.services, this.#app.stores);
    this.#server = await createServer(this.#app.serverOptions);
    addCallerLinks(this.#server);
    this.address = await this.#server.listen({ port, host: '127.0.0.1' }).catch((error: NodeJS.ErrnoException) => {
      const fault = { EADDRINUSE: 'is taken by another process', EACCES: 'is not for this user' }[error.code ?? ''];
      if (fault === undefined) throw error;
      const other = port < 1024 || port === 65_535 ? 4000 : port + 1;
      throw new CommandError(`port ${port} ${fault}; choose another: PORT=${other} npm run demo`);
    });
  }

  /** Starts the background work, and lets other commands reach the data. */
  async work(environment: Readonly<Record<string, string>>): Promise<void> {
    this.#app?.work();
    await announceDemo(environment);
  }

  async close(): Promise<void> {
    forgetDemo();
    await this.#server?.close();
    await this.#app?.close();
    this.#remove();
  }

  /** Ctrl-C closes cleanly. A second one does not wait. */
  async #end(): Promise<void> {
    if (!this.closing) {
      this.closing = true;
      await this.close().catch(() => undefined);
    }
    this.#remove();
    process.exit(0);
  }
}

async function show(address: string): Promise<void> {
  await present(address, customerComparison, await callersOfTheClinic());
  process.stdout.write('\n');
  await present(address, healthComparison, await callersForHealth());
}

async function present(address: string, comparison: Comparison, callers: readonly Caller[]): Promise<void> {
  const answers = await compare(address, comparison, callers);
  const colours = process.stdout.isTTY === true && !process.env.NO_COLOR;
  process.stdout.write(`${comparison.title}:\n\n${comparison.query}\n`);
  process.stdout.write(`${comparisonTable(comparison, answers, colours)}\n`);
  process.stdout.write('≈ de-identified.  A value without a sign is in the clear.\n\n');
  process.stdout.write(`Why:\n${reasonsText(answers)}\n`);
}

function printLinks(address: string): void {
  const rows = allCallers.map((caller) => ({ ...caller, who: `${caller.title} (${caller.at})` }));
  const width = Math.max(...rows.map(({ who }) => who.length));
  process.stdout.write(`\nServing on ${address}/graphql until Ctrl-C. Open the playground as one of them:\n\n`);
  for (const { who, purpose, ...caller } of rows) {
    process.stdout.write(`  ${who.padEnd(width)}  ${purpose.padEnd(16)}  ${linkTo(address, caller)}\n`);
  }
  const [example] = allCallers;
  process.stdout.write(`
A token for curl:        ${example ? tokenCommandFor(example) : ''}
The command line on it:  npm run remit -- audit verify --demo
`);
}
