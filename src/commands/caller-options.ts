import { InvalidArgumentError } from 'commander';
import { allPurposes, isPurpose, type ProcessingPurpose } from '../governance/vocabulary';
import { type Role, roles } from '../identity/caller';
import { isCountry } from '../identity/checks';

/** Parsers of the options that describe a caller. Commander turns what they throw into exit code 2. */

export function role(text: string): Role {
  const known = roles.find((name) => name === text);
  if (!known) throw new InvalidArgumentError(`Roles are ${roles.join(', ')}.`);
  return known;
}

export function purpose(text: string): ProcessingPurpose {
  if (!isPurpose(text)) throw new InvalidArgumentError(`Purposes are ${allPurposes.join(', ')}.`);
  return text;
}

export function scope(text: string): string {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)) throw new InvalidArgumentError('A scope has no spaces or quotes.');
  return text;
}

export function country(text: string): string {
  if (!isCountry(text)) throw new InvalidArgumentError('Write a country as ISO 3166-1 alpha-2, such as DE.');
  return text;
}

/** For an option that can be repeated. */
export const collect =
  <T>(read: (text: string) => T) =>
  (text: string, previous: readonly T[] | undefined): readonly T[] => [...(previous ?? []), read(text)];

/** Roles that belong to no single client. The others read nothing without one. */
const platformRoles: readonly Role[] = ['PLATFORM_STAFF', 'PLATFORM_PRIVACY_OFFICER', 'AUDITOR', 'SUB_PROCESSOR'];

export const needsClient = (role: Role): boolean => !platformRoles.includes(role);

/** The default subject of a token, made from the role and the client. */
export const subjectOf = (role: Role | undefined, client: string | undefined): string =>
  [role?.toLowerCase().replaceAll('_', '-'), client].filter(Boolean).join('.');
