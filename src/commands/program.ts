import { Command } from 'commander';
import { version } from '../version';
import { exitTwoOnUsageError } from './usage-errors';

type Entry = readonly [name: string, summary: string, load: () => Promise<Command>];

/** A command is loaded only when it is called: `remit token` does not wait for a database driver. */
const entries: readonly Entry[] = [
  ['serve', 'serve the API and the playground', async () => (await import('./serve.js')).serveCommand()],
  ['demo', 'show who sees what, and why', async () => (await import('./demo.js')).demoCommand()],
  ['migrate', 'bring the databases up to date', async () => (await import('./migrate.js')).migrateCommand()],
  ['import', "import a client's file", async () => (await import('./import.js')).importCommand()],
  ['seed', 'make sample data', async () => (await import('./seed.js')).seedCommand()],
  ['token', 'print a development token', async () => (await import('./token.js')).tokenCommand()],
  ['explain', 'show what a caller would get', async () => (await import('./explain.js')).explainCommand()],
  ['census', 'make the data inventory, and name its gaps', async () => (await import('./census.js')).censusCommand()],
  ['doctor', 'say what is wrong, and what to do', async () => (await import('./doctor.js')).doctorCommand()],
  ['audit', 'verify the audit ledger, prove entries', async () => (await import('./audit.js')).auditCommand()],
  [
    'erasures',
    'perform erasures, and check certificates',
    async () => (await import('./erasures.js')).erasuresCommand(),
  ],
  ['keys', 'turn the epochs of the keys, and list them', async () => (await import('./keys.js')).keysCommand()],
  [
    'exports',
    "list clients' exports, and write one to a file",
    async () => (await import('./exports.js')).exportsCommand(),
  ],
  [
    'transfers',
    'list transfer approvals, assess transfers',
    async () => (await import('./transfers.js')).transfersCommand(),
  ],
  [
    'webhooks',
    'list notices that did not arrive, and send them again',
    async () => (await import('./webhooks.js')).webhooksCommand(),
  ],
  ['schema', 'write the schema files', async () => (await import('./schema.js')).schemaCommand()],
];

/**
 * Runs a command. What was written is on the process's streams, and its exit code in the process, unless it throws.
 * @throws what `reportFailure` tells the user
 */
export async function run(words: readonly string[]): Promise<void> {
  const program = new Command('remit')
    .description('A GraphQL gateway with purpose-based access control for personal data.')
    .version(version, '-V, --version', 'print the version')
    .option('--demo', 'use the data of the demo that runs in this folder')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 called wrongly. Configured by the environment; see .env.example.
Examples:
  $ remit demo                  see it at work on sample data
  $ remit COMMAND --help        options of a command, with an example`,
    );
  exitTwoOnUsageError(program).showHelpAfterError('remit --help lists the commands.');
  program.hook('preAction', async () => {
    if (program.opts().demo) (await import('./demo/installation-file.js')).joinDemo();
  });
  const asked = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const called = asked.find(isName);
  for (const [name, summary, load] of entries) {
    const command = name === called ? await load() : new Command(name);
    program.addCommand(command.summary(summary));
  }
  await program.parseAsync(isKnown(program, asked) ? [...asked] : asked.filter((word) => !isHelp(word)), {
    from: 'user',
  });
}

const isName = (word: string): boolean => !word.startsWith('-');
const isHelp = (word: string): boolean => word === '-h' || word === '--help';

/**
 * Whether the words name a command. With an unknown name, commander's `--help` would print the help of the level above.
 * Without `--help` it fails and names the nearest command.
 */
function isKnown(program: Command, words: readonly string[]): boolean {
  let command = program;
  // A command with subcommands has no option with a value, so the first words that are not options are names.
  for (const word of words.filter(isName)) {
    if (command.commands.length === 0) return true;
    const named = command.commands.find((each) => each.name() === word);
    if (!named) return false;
    command = named;
  }
  return true;
}

/** Runs a command as a process of its own, to its end. */
export async function runToEnd(words: readonly string[]): Promise<void> {
  // A reader such as `head` may close the pipe before everything is written. That is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  await run(words).catch(async (error: unknown) => {
    const { reportFailure } = await import('./failure.js');
    process.exit(reportFailure(error));
  });
}
