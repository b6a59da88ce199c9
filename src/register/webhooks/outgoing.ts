import { lookup as resolve } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Addresses that no recipient outside has: RFC 6890's special ones. */
const inside = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  // Unspecified, loopback, and the deprecated IPv4-compatible ones.
  ['::', 96],
  // Translators and tunnels carry an IPv4 address inside, which may be one of the above (RFC 6052, 8215, 3056, 4380).
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  // Site-local, deprecated by RFC 3879.
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  inside.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is one of this network's own, which no webhook may reach (server-side request forgery). */
export function isInside(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return isInside(mapped);
  const family = isIP(address);
  return family === 0 || inside.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  constructor(readonly code: string) {
    super(code);
  }
}

/** What a URL lacks to be told to; undefined where it may be. Outside production this machine may be. */
export function faultOfUrl(text: string, production: boolean): string | undefined {
  if (!URL.canParse(text)) return 'is no URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must not carry a password';
  if (url.protocol === 'https:') return undefined;
  return url.protocol === 'http:' && !production ? undefined : 'must begin with https://';
}

/**
 * Posts a body and says the status. Nothing is followed elsewhere, the answer's body is not read, and the name is
 * resolved once: the address that was looked at is the one that is connected to.
 * @throws {UnreachableError} with a code where there is no answer in time
 */
export function post(
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  { production, timeoutMs }: { production: boolean; timeoutMs: number },
): Promise<number> {
  const url = new URL(address);
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (production && isIP(literal) !== 0 && isInside(literal)) throw new UnreachableError('ADDRESS_FORBIDDEN');
  const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((fulfil, reject) => {
    const outgoing = send(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        ...(production ? { lookup: outside } : {}),
        signal: AbortSignal.timeout(timeoutMs),
        agent: false,
      },
      (response) => {
        response.destroy();
        fulfil(response.statusCode ?? 0);
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        new UnreachableError(
          error.name === 'TimeoutError' || error.name === 'AbortError' ? 'TIMEOUT' : (error.code ?? 'FAILED'),
        ),
      ),
    );
    outgoing.end(body);
  });
}

const outside: LookupFunction = (host, options, answer) => {
  resolve(host, { ...options, all: true }, (error, addresses) => {
    if (error) return answer(error, '', 0);
    const [first] = addresses;
    if (!first || addresses.some(({ address }) => isInside(address))) {
      return answer(Object.assign(new Error('forbidden'), { code: 'ADDRESS_FORBIDDEN' }), '', 0);
    }
    return options.all ? answer(null, addresses) : answer(null, first.address, first.family);
  });
};
