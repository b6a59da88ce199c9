import { UrlFault } from '../connections/errors';
import { parseServerUrl, RIGHT, type ServerAddress } from '../connections/server-url';
import { ConfigurationError } from './errors';

/** The address of a store. */
export type StoreAddress = { readonly kind: 'sqlite'; readonly path: string } | ServerAddress;

/**
 * Parses a store's URL: `sqlite:PATH` (relative to the working directory), `sqlite::memory:`, or
 * `mysql://user:password@host:port/database` (or `mariadb://`), with several hosts and parameters if need be.
 *
 * @throws ConfigurationError naming the variable and the fix. It does not repeat the URL, which may hold a password
 */
export function parseStoreUrl(text: string, variable: string): StoreAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text.trim())?.[1]?.toLowerCase();
  if (scheme === 'sqlite') return parseSqlite(text.trim().slice('sqlite:'.length), variable);
  if (scheme === 'mysql' || scheme === 'mariadb') return named(variable, () => parseServerUrl(text.trim()));
  const fault = scheme === undefined ? 'is not a URL' : `has the unknown scheme ${scheme}:`;
  throw new ConfigurationError(variable, `${fault}; ${RIGHT}`);
}

function parseSqlite(path: string, variable: string): StoreAddress {
  if (path === '' || path.endsWith('/')) throw new ConfigurationError(variable, `names no file; ${RIGHT}`);
  if (!path.startsWith('//')) return { kind: 'sqlite', path };
  if (!path.startsWith('///')) {
    throw new ConfigurationError(variable, 'has a host where a path is meant; write sqlite:./path or sqlite:/path');
  }
  return { kind: 'sqlite', path: path.slice(2) };
}

/** Names the variable that held the URL. @throws ConfigurationError instead of a UrlFault */
export function named<T>(variable: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof UrlFault ? new ConfigurationError(variable, error.message) : error;
  }
}
