import { isIP, isIPv6 } from 'node:net';
import { UrlFault } from './errors';
import type { Host, HostOrder } from './hosts';

/** How long a store may take. Milliseconds, and numbers of connections. */
export interface StoreLimits {
  /** Until a new connection is usable: TCP, TLS, signing in, and preparing its session. */
  readonly connectMs: number;
  /** One statement of a request. Other work may ask for more: see statement-limit.ts. */
  readonly statementMs: number;
  /** Waiting for a free connection. */
  readonly waitMs: number;
  /** Connections at most. */
  readonly poolSize: number;
  /** How many may wait for a connection. */
  readonly queue: number;
}

/** How a server is known. The files hold PEM. */
export interface TlsAddress {
  /** Whether the certificate must name the server, beside being valid. */
  readonly identity: boolean;
  /** The name that the certificate must have, where it is not the host's. */
  readonly serverName?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** The address of a server that speaks MySQL's protocol. */
export interface ServerAddress {
  readonly kind: 'mysql';
  readonly hosts: readonly Host[];
  readonly order: HostOrder;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls?: TlsAddress;
  readonly limits: StoreLimits;
}

/** What is right, for messages. */
export const RIGHT = 'write sqlite:./data/remit.db or mysql://user:password@host:3306/database';

const DEFAULT_PORT = 3306;

/**
 * Parses `mysql://user:password@host:port,host:port/database?parameter=value`. docs/database-urls.md lists the
 * parameters.
 * @throws UrlFault which does not repeat the URL, for that may hold a password
 */
export function parseServerUrl(text: string): ServerAddress {
  // Not `new URL`: it knows no lists of hosts, and its error would contain the password.
  const match = /^[a-z]+:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(text);
  const [, authority = '', path = '', query = ''] = match ?? [];
  if (!match || /\s/.test(text)) throw new UrlFault(`is not a well-formed URL; ${RIGHT}`);
  const at = authority.lastIndexOf('@');
  const parameters = new Parameters(query);
  const socket = parameters.text('socket');
  const list = authority.slice(at + 1);
  if (at < 0 && `${path}?${query}`.includes('@')) {
    throw new UrlFault('has a / or ? in its user or password; write / as %2F and ? as %3F');
  }
  if (list === '' && socket === undefined) throw new UrlFault(`names no host; ${RIGHT}`);
  const [user = '', ...password] = authority.slice(0, Math.max(0, at)).split(':');
  if (user === '') throw new UrlFault(`names no user; ${RIGHT}`);
  const database = decode(path);
  if (database === '' || database.includes('/')) {
    throw new UrlFault(`must name one database after the host; ${RIGHT}`);
  }
  const hosts = socket === undefined ? hostsOf(list) : [{ name: 'localhost', port: 0, socket, group: 0 }];
  const tls = tlsOf(parameters, hosts);
  const address: ServerAddress = {
    kind: 'mysql',
    hosts,
    order: parameters.oneOf('hosts', ['in-order', 'random'] as const) ?? 'in-order',
    user: decode(user),
    password: decode(password.join(':')),
    database,
    ...(tls ? { tls } : {}),
    limits: {
      connectMs: parameters.seconds('connect-timeout', 3),
      statementMs: parameters.seconds('statement-timeout', 5),
      waitMs: parameters.seconds('pool-wait', 5),
      poolSize: parameters.whole('pool-size', 10, 1_000),
      queue: parameters.whole('pool-queue', 10_000, 1_000_000),
    },
  };
  parameters.refuseOthers();
  return address;
}

/** Hosts with commas between them; `;` begins a group that is used when all before it are away. */
function hostsOf(list: string): Host[] {
  const groups = list.split(';').map((group) => group.split(/,/));
  if (groups.some(([first]) => first === '')) throw new UrlFault('names no host after ;, where a group begins');
  const hosts = groups.flatMap((texts, group) => texts.map((text) => ({ ...hostOf(text), group })));
  const names = hosts.map(({ name, port }) => `${name}:${port}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UrlFault(`names the host ${twice} twice; name each once`);
  return hosts;
}

function hostOf(text: string): { name: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text);
  const name = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (name === undefined || (match?.[1] !== undefined && !isIPv6(name)) || port < 1 || port > 65_535) {
    throw new UrlFault(`is not a well-formed URL: a host is a name or an address, with its port: db1:3306,[::1]:3306`);
  }
  return { name, port };
}

function tlsOf(parameters: Parameters, hosts: readonly Host[]): TlsAddress | undefined {
  const mode = parameters.oneOf('ssl', ['true', 'false', 'verify-ca'] as const) ?? 'false';
  const serverName = parameters.text('ssl-server-name');
  const files = { caFile: 'ssl-ca', certFile: 'ssl-cert', keyFile: 'ssl-key' } as const;
  const given = Object.entries(files).flatMap(([name, parameter]) => {
    const file = parameters.text(parameter);
    return file === undefined ? [] : [[name, file]];
  });
  if (mode === 'false') {
    if (given.length === 0 && serverName === undefined) return undefined;
    throw new UrlFault('has parameters for TLS without ssl=true; add it');
  }
  const tls: TlsAddress = {
    identity: mode === 'true',
    ...(serverName === undefined ? {} : { serverName }),
    ...Object.fromEntries(given),
  };
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    throw new UrlFault('ssl-cert and ssl-key must be set together: a client certificate and its key');
  }
  if (hosts.some(({ socket }) => socket !== undefined)) {
    throw new UrlFault('has ssl with a socket, which never leaves the machine; remove one of them');
  }
  if (serverName !== undefined && (!tls.identity || isIP(serverName) !== 0)) {
    throw new UrlFault("ssl-server-name must be a name of the server's certificate, beside ssl=true");
  }
  const address = hosts.find(({ name }) => isIP(name) !== 0);
  if (tls.identity && serverName === undefined && address) {
    throw new UrlFault(
      `has ssl=true for the address ${address.name}, which names no server; ` +
        "use the host's name, add ssl-server-name=NAME, or write ssl=verify-ca to check no name",
    );
  }
  return tls;
}

/** The parameters after `?`, each read once. */
class Parameters {
  readonly #values = new Map<string, string>();
  readonly #known: string[] = [];

  constructor(query: string) {
    for (const pair of query.split('&').filter((each) => each !== '')) {
      const [name = '', ...value] = pair.split('=');
      if (this.#values.has(name)) throw new UrlFault(`has the parameter ${name} twice; write it once`);
      this.#values.set(name, decode(value.join('=')));
    }
  }

  text(name: string): string | undefined {
    this.#known.push(name);
    const value = this.#values.get(name);
    if (value === '') throw new UrlFault(`${name} must have a value`);
    return value;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    const found = values.find((value) => value === text);
    if (text !== undefined && found === undefined) throw new UrlFault(`${name} must be ${values.join(' or ')}`);
    return found;
  }

  /** @returns milliseconds */
  seconds(name: string, standard: number): number {
    const text = this.text(name) ?? String(standard);
    const seconds = Number(text);
    if (!/^\d{1,4}(\.\d{1,3})?$/.test(text) || seconds < 0.1 || seconds > 3_600) {
      throw new UrlFault(`${name} must be a number of seconds from 0.1 to 3600`);
    }
    return seconds * 1_000;
  }

  whole(name: string, standard: number, most: number): number {
    const text = this.text(name) ?? String(standard);
    if (!/^\d{1,7}$/.test(text) || Number(text) < 1 || Number(text) > most) {
      throw new UrlFault(`${name} must be a whole number from 1 to ${most}`);
    }
    return Number(text);
  }

  refuseOthers(): void {
    const other = [...this.#values.keys()].find((name) => !this.#known.includes(name));
    if (other === undefined) return;
    const name = /^[\w-]{1,40}$/.test(other) ? other : 'of that name';
    throw new UrlFault(`knows no parameter ${name}; known are ${this.#known.join(', ')}`);
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UrlFault('has a stray % in it; write % as %25');
  }
}
