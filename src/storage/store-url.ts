import { ConfigurationError } from './errors';

/** The address of a store. */
export type StoreAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'mysql';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly password: string;
      readonly database: string;
      readonly tls: boolean;
    };

const RIGHT = 'write sqlite:./data/remit.db or mysql://user:password@host:3306/database';

/**
 * Parses a store's URL: `sqlite:PATH` (relative to the working directory), `sqlite::memory:`, or
 * `mysql://user:password@host:port/database` (or `mariadb://`). `?ssl=true` requires TLS with a valid certificate.
 *
 * @throws ConfigurationError naming the variable and the fix. It does not repeat the URL, which may hold a password
 */
export function parseStoreUrl(text: string, variable: string): StoreAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text.trim())?.[1]?.toLowerCase();
  if (scheme === 'sqlite') return parseSqlite(text.trim().slice('sqlite:'.length), variable);
  if (scheme === 'mysql' || scheme === 'mariadb') return parseMysql(text.trim(), variable);
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

function parseMysql(text: string, variable: string): StoreAddress {
  // Not `new URL`: its error would contain the password.
  if (!URL.canParse(text)) throw new ConfigurationError(variable, `is not a well-formed URL; ${RIGHT}`);
  const url = new URL(text);
  if (url.hostname === '') throw new ConfigurationError(variable, `names no host; ${RIGHT}`);
  if (url.username === '') throw new ConfigurationError(variable, `names no user; ${RIGHT}`);
  const database = decode(url.pathname.slice(1), variable);
  if (database === '' || database.includes('/')) {
    throw new ConfigurationError(variable, `must name one database after the host; ${RIGHT}`);
  }
  for (const name of url.searchParams.keys()) {
    if (name !== 'ssl') throw new ConfigurationError(variable, `knows no parameter ${name}; only ?ssl=true is known`);
  }
  const ssl = url.searchParams.get('ssl') ?? 'false';
  if (ssl !== 'true' && ssl !== 'false') throw new ConfigurationError(variable, 'ssl must be true or false');
  return {
    kind: 'mysql',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decode(url.username, variable),
    password: decode(url.password, variable),
    database,
    tls: ssl === 'true',
  };
}

function decode(part: string, variable: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ConfigurationError(variable, 'has a stray % in it; write % as %25');
  }
}
