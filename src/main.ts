#!/usr/bin/env node
import { Command } from 'commander';
import { exitTwoOnMisuse } from './commands/misuse';
import { version } from './version';

type Entry = readonly [name: string, summary: string, load: () => Promise<Command>];

/** Each command is loaded when it is called: `remit token` does not wait for a database driver. */
const entries: readonly Entry[] = [
  ['serve', 'serve the API and the playground', async () => (await import('./commands/serve.js')).serveCommand()],
  ['demo', 'show who sees what, and why', async () => (await import('./commands/demo.js')).demoCommand()],
  ['migrate', 'bring the databases up to date', async () => (await import('./commands/migrate.js')).migrateCommand()],
  ['import', "take in a client's own export", async () => (await import('./commands/import.js')).importCommand()],
  ['seed', 'make sample data', async () => (await import('./commands/seed.js')).seedCommand()],
  ['token', 'print a development token', async () => (await import('./commands/token.js')).tokenCommand()],
  ['explain', 'tell what a caller is given', async () => (await import('./commands/explain.js')).explainCommand()],
  ['census', 'find what nobody accounts for', async () => (await import('./commands/census.js')).censusCommand()],
  [
    'audit',
    'verify the audit ledger, prove an entry',
    async () => (await import('./commands/audit.js')).auditCommand(),
  ],
  [
    'erasures',
    'carry out erasures, and prove them',
    async () => (await import('./commands/erasures.js')).erasuresCommand(),
  ],
  [
    'exports',
    "list clients' exports, and write one out",
    async () => (await import('./commands/exports.js')).exportsCommand(),
  ],
  [
    'transfers',
    'approvals of transfers, and what law says',
    async () => (await import('./commands/transfers.js')).transfersCommand(),
  ],
  ['schema', 'write the schema files', async () => (await import('./commands/schema.js')).schemaCommand()],
];

async function run(words: readonly string[]): Promise<void> {
  const program = new Command('remit')
    .description('A GraphQL gateway that decides every read of personal data by its purpose.')
    .version(version, '-V, --version', 'print the version')
    .option('--demo', 'work on the data of the demo that runs in this folder')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 called wrongly. The environment configures it; see .env.example.
Examples:
  $ remit demo                  see it at work on sample data
  $ remit COMMAND --help        what one command takes, with an example`,
    );
  exitTwoOnMisuse(program);
  program.hook('preAction', async () => {
    if (program.opts().demo) (await import('./commands/demo/installation-file.js')).joinDemo();
  });
  const called = calledCommand(words);
  for (const [name, summary, load] of entries) {
    const command = name === called ? await load() : new Command(name);
    program.addCommand(command.summary(summary));
  }
  await program.parseAsync([...words], { from: 'user' });
}

/** The program itself has no option that takes a value, so the first word that is no option names the command. */
function calledCommand(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  return first === 'help' ? second : first;
}

// A reader such as `head` may close the pipe before everything is written; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

run(process.argv.slice(2)).catch(async (error: unknown) => {
  const { reportFailure } = await import('./commands/failure.js');
  process.exit(reportFailure(error));
});
