import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import Table from 'cli-table3';
import { Command } from 'commander';
import { openApp } from '../app';
import { readConfig } from '../config';
import type { Explanation } from '../governance/govern';
import { allPurposes, type ProcessingPurpose } from '../governance/vocabulary';
import { type Role, roles, type TokenClaims } from '../identity/caller';
import { collect, country, needsClient, purpose, role, scope, subjectOf } from './caller-options';
import { CommandError } from './failure';
import { exitTwoOnUsageError } from './usage-errors';

interface ExplainOptions {
  readonly role: Role;
  readonly client?: string;
  readonly purpose: ProcessingPurpose;
  readonly scope: readonly string[];
  readonly country?: string;
  readonly subject?: string;
  readonly operation?: string;
  readonly json?: true;
}

/** `remit explain`: decides an operation as for a request, without reading data. */
export function explainCommand(): Command {
  const command = new Command('explain')
    .description('Show for each field of an operation what the caller would get, and which rule decides.')
    .argument('<file>', 'a GraphQL document; - reads standard input')
    .requiredOption('--role <role>', `the role of the caller: ${roles.join(', ')}`, role)
    .option('--client <slug>', 'the client whose data is read')
    .requiredOption('--purpose <purpose>', `the purpose of reading: ${allPurposes.join(', ')}`, purpose)
    .option('--scope <scope>', 'a scope of the caller; repeat for more', collect(scope), [])
    .option(
      '--country <code>',
      'where the caller reads, ISO 3166-1 alpha-2; without it no transfer across a border is allowed',
      country,
    )
    .option(
      '--subject <subject>',
      'who the caller is, for a partner its application (default: made from role and client)',
    )
    .option('--operation <name>', 'the operation to explain, when the document has several')
    .option('--json', 'print a list of {"coordinate","outcome","code","rule","method"}')
    .addHelpText(
      'after',
      '\nExample:\n  $ remit explain query.graphql --role CLIENT_AGENT --client acme --purpose SUPPORT',
    )
    .action(async (file: string, options: ExplainOptions) => {
      if (options.client === undefined && needsClient(options.role)) {
        command.error(`error: --client is needed for the role ${options.role}`, { exitCode: 2 });
      }
      const document = file === '-' ? await textOf(process.stdin) : await readFile(file, 'utf8');
      const explanations = await explain(document, options);
      process.stdout.write(options.json ? `${JSON.stringify(explanations, null, 2)}\n` : tableOf(explanations));
    });
  return exitTwoOnUsageError(command);
}

/** @throws {CommandError} for an unknown client @throws {GraphQLError} for an invalid document */
async function explain(document: string, options: ExplainOptions): Promise<Explanation[]> {
  const claims: TokenClaims = {
    subject: options.subject ?? subjectOf(options.role, options.client),
    tenant: options.client,
    roles: [options.role],
    scopes: options.scope,
    purposes: [options.purpose],
    country: options.country,
  };
  const app = await openApp({ ...readConfig(process.env), logLevel: 'silent' });
  try {
    const { contracts, contractOf, contextFor } = app.serverOptions;
    const { client, access } = await contextFor(claims, options.purpose);
    if (options.client !== undefined && !client) throw new CommandError(`there is no client "${options.client}"`);
    return contracts[contractOf(claims)].explain({ document, operationName: options.operation, access });
  } finally {
    await app.close();
  }
}

function tableOf(explanations: readonly Explanation[]): string {
  if (explanations.length === 0) return 'The operation reaches no governed field.\n';
  const table = new Table({
    head: ['coordinate', 'outcome', 'code', 'rule', 'method'],
    style: { head: [], border: [] },
  });
  for (const { coordinate, outcome, code, rule, method } of explanations) {
    table.push([coordinate, outcome, code ?? '', rule, method ?? '']);
  }
  const note = "A row can withhold more, because a person's restriction is only known when it is read.";
  return `${table.toString()}\n${note}\n`;
}
