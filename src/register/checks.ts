import { validate } from 'uuid';
import { denied } from '../identity/request-context';

/** @throws {GraphQLError} BAD_USER_INPUT unless it is a slug */
export function requireSlug(slug: string): string {
  // A slug may stand wherever an id may, so neither must look like the other.
  if (/^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$/.test(slug) && !validate(slug)) return slug;
  throw denied.input('"slug" must be 1 to 60 lower-case letters, digits and hyphens, and no UUID.');
}

/** @throws {GraphQLError} BAD_USER_INPUT unless each is a scope as tokens carry it (RFC 6749), and no purpose */
export function requireScopes(scopes: readonly string[]): string[] {
  // Scopes are stored joined by commas, so none may contain one.
  const sound = scopes.every((scope) => /^[!#-+\--[\]-~]{1,100}$/.test(scope) && !scope.startsWith('purpose:'));
  if (sound && scopes.join().length <= 1_000) return [...new Set(scopes)];
  throw denied.input('"scopes" must be scopes of tokens, without spaces, commas or quotes, and no purposes.');
}
