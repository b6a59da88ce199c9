import { Command, InvalidArgumentError } from 'commander';
import { allPurposes, isPurpose, type ProcessingPurpose } from '../governance/vocabulary';
import { type Role, roles } from '../identity/caller';
import { signDevelopmentToken } from '../identity/development-keys';
import { exitTwoOnMisuse } from './misuse';

interface TokenOptions {
  readonly role: readonly Role[];
  readonly client?: string;
  readonly purpose: readonly ProcessingPurpose[];
  readonly scope: readonly string[];
  readonly country?: string;
  readonly sub?: string;
  readonly expires: number;
}

/** Roles that belong to no one client; the others read nothing without one. */
const platformRoles: readonly Role[] = ['PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER', 'AUDITOR', 'SUB_PROCESSOR'];
const units = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `remit token`: prints one development token, alone, on standard output. */
export function tokenCommand(): Command {
  const command = new Command('token')
    .description('Print a token that servers outside production accept')
    .requiredOption('--role <role>', `what the caller is; again for more: ${roles.join(', ')}`, collect(role))
    .option('--client <slug>', 'the client whose data is meant')
    .option(
      '--purpose <purpose>',
      `a purpose it may state; again for more: ${allPurposes.join(', ')}`,
      collect(purpose),
      [],
    )
    .option('--scope <scope>', 'a scope; again for more', collect(scope), [])
    .option('--country <code>', "the caller's country, ISO 3166-1 alpha-2", country)
    .option('--sub <subject>', 'who it is; made from role and client unless told')
    .option('--expires <duration>', 'how long it holds, such as 30m, 12h or 7d', duration, duration('12h'))
    .action(async (options: TokenOptions) => {
      if (process.env.NODE_ENV === 'production') {
        command.error('error: development tokens are not made in production; ask your OpenID provider for one', {
          exitCode: 1,
        });
      }
      const [first] = options.role;
      if (options.client === undefined && options.role.some((role) => !platformRoles.includes(role))) {
        command.error(`error: --client is needed for the role ${first}: whose data is meant?`, { exitCode: 2 });
      }
      const token = await signDevelopmentToken({
        subject: options.sub ?? [first?.toLowerCase().replaceAll('_', '-'), options.client].filter(Boolean).join('.'),
        tenant: options.client,
        roles: options.role,
        purposes: options.purpose,
        scopes: options.scope,
        country: options.country,
        lifetime: options.expires,
        audience: process.env.OIDC_AUDIENCE || undefined,
      });
      process.stdout.write(`${token}\n`);
    });
  return exitTwoOnMisuse(command);
}

const collect =
  <T>(read: (text: string) => T) =>
  (text: string, previous: readonly T[] | undefined): readonly T[] => [...(previous ?? []), read(text)];

function role(text: string): Role {
  const known = roles.find((name) => name === text);
  if (!known) throw new InvalidArgumentError(`Roles are ${roles.join(', ')}.`);
  return known;
}

function purpose(text: string): ProcessingPurpose {
  if (!isPurpose(text)) throw new InvalidArgumentError(`Purposes are ${allPurposes.join(', ')}.`);
  return text;
}

function scope(text: string): string {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)) throw new InvalidArgumentError('A scope has no spaces or quotes.');
  return text;
}

function country(text: string): string {
  if (!/^[A-Z]{2}$/.test(text)) throw new InvalidArgumentError('Write two upper-case letters, such as DE.');
  return text;
}

function duration(text: string): number {
  const [, amount, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('Write a number and s, m, h or d, such as 12h.');
  return Number(amount) * units[unit as keyof typeof units];
}
