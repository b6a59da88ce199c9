import { Command, InvalidArgumentError, Option } from 'commander';
import { allPurposes, type ProcessingPurpose } from '../governance/vocabulary';
import { type Role, roles } from '../identity/caller';
import { signDevelopmentToken } from '../identity/development-keys';
import { collect, country, needsClient, purpose, role, scope, subjectOf } from './caller-options';
import { exitTwoOnUsageError } from './usage-errors';

interface TokenOptions {
  readonly role: readonly Role[];
  readonly client?: string;
  readonly purpose: readonly ProcessingPurpose[];
  readonly scope: readonly string[];
  readonly country?: string;
  readonly sub?: string;
  readonly expires: number;
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `remit token`: prints a development token, and nothing else, to standard output. */
export function tokenCommand(): Command {
  const command = new Command('token')
    .description('Print a development token. Servers in production refuse it.')
    .requiredOption('--role <role>', `the role of the caller; repeat for more: ${roles.join(', ')}`, collect(role))
    .option('--client <slug>', 'the client whose data is read')
    .option(
      '--purpose <purpose>',
      `a purpose of the caller; repeat for more: ${allPurposes.join(', ')}`,
      collect(purpose),
      [],
    )
    .option('--scope <scope>', 'a scope; repeat for more', collect(scope), [])
    .option(
      '--country <code>',
      'where the caller reads, ISO 3166-1 alpha-2; without it no transfer across a border is allowed',
      country,
    )
    .option('--sub <subject>', 'who the caller is (default: made from role and client)')
    .addOption(
      new Option('--expires <duration>', 'lifetime, such as 30m, 12h or 7d')
        .argParser(duration)
        .default(duration('12h'), '12h'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ remit token --role CLIENT_AGENT --client acme --purpose SUPPORT --purpose LEGAL --country DE',
    )
    .action(async (options: TokenOptions) => {
      if (process.env.NODE_ENV === 'production') {
        command.error('error: development tokens are refused in production; get one from your OpenID provider', {
          exitCode: 1,
        });
      }
      const [first] = options.role;
      if (options.client === undefined && options.role.some(needsClient)) {
        command.error(`error: --client is needed for the role ${first}`, { exitCode: 2 });
      }
      const token = await signDevelopmentToken({
        subject: options.sub ?? subjectOf(first, options.client),
        tenant: options.client,
        roles: options.role,
        purposes: options.purpose,
        scopes: options.scope,
        country: options.country,
        lifetime: options.expires,
        audience: process.env.OIDC_AUDIENCE || undefined,
      });
      process.stdout.write(`${token}\n`);
      if (options.country === undefined && !options.role.some(hasRegisteredCountry)) {
        const note = 'note: the token has no country, so people whose law restricts transfers are withheld';
        process.stderr.write(`${note}; add for example --country DE\n`);
      }
    });
  return exitTwoOnUsageError(command);
}

/** The country of a third party comes from the register. */
const hasRegisteredCountry = (role: Role): boolean => role === 'PARTNER' || role === 'SUB_PROCESSOR';

function duration(text: string): number {
  const [, amount, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('Write a number and s, m, h or d, such as 12h.');
  return Number(amount) * units[unit as keyof typeof units];
}
