import countries from 'i18n-iso-countries';
import { validate } from 'uuid';
import { denied } from '../identity/request-context';

/** @throws {GraphQLError} BAD_USER_INPUT unless it is an ISO 3166-1 alpha-2 code */
export function requireCountry(field: string, code: string): string {
  if (countries.isValid(code) && /^[A-Z]{2}$/.test(code)) return code;
  throw denied.input(`"${field}" must be a country as ISO 3166-1 alpha-2, such as DE.`);
}

/** @throws {GraphQLError} BAD_USER_INPUT unless it can name something in a token or a command */
export function requireSlug(slug: string): string {
  // Wherever a slug names something an id does too: one must never read as the other.
  if (/^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$/.test(slug) && !validate(slug)) return slug;
  throw denied.input('"slug" must be 1 to 60 lower-case letters, digits and hyphens, and no UUID.');
}

/** @throws {GraphQLError} BAD_USER_INPUT where a text is empty or longer than its column */
export function requireText(field: string, text: string, limit: number): string {
  const trimmed = text.trim();
  if (trimmed !== '' && trimmed.length <= limit) return trimmed;
  throw denied.input(`"${field}" must have 1 to ${limit} characters.`);
}

/** @throws {GraphQLError} BAD_USER_INPUT unless each is a scope as tokens carry it (RFC 6749), and no purpose */
export function requireScopes(scopes: readonly string[]): string[] {
  // Scopes are kept joined by commas: one that has a comma would come back as two.
  const sound = scopes.every((scope) => /^[!#-+\--[\]-~]{1,100}$/.test(scope) && !scope.startsWith('purpose:'));
  if (sound && scopes.join().length <= 1_000) return [...new Set(scopes)];
  throw denied.input('"scopes" must be scopes of tokens, without spaces, commas or quotes, and no purposes.');
}
