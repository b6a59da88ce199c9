import { lookup as resolve } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** IPv6 addresses that are reached over the internet lie in this block (RFC 4291, section 2.4; IANA's registry). */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address is one on the internet. All others are this network's own or somebody's tunnel into it, which
 * nobody outside may make the server call (server-side request forgery).
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false;
  // An IPv4 address that is written as an IPv6 one is judged as what it is.
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(globalUnicast);
}

/** The address that a URL names without a name to look up. */
export const literalAddressIn = ({ hostname }: URL): string | undefined => {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) === 0 ? undefined : literal;
};

/**
 * Looks a name up for a connection, and gives no address where any of them is not public. The connection uses what was
 * looked at: a name that is looked up again may have become another address (DNS rebinding).
 */
export const publicLookup: LookupFunction = (host, options, answer) => {
  resolve(host, { ...options, all: true }, (error, addresses) => {
    if (error) return answer(error, '', 0);
    const [first] = addresses;
    if (!first || !addresses.every(({ address }) => isPublicAddress(address))) {
      return answer(Object.assign(new Error('the address is not public'), { code: 'ADDRESS_FORBIDDEN' }), '', 0);
    }
    return options.all ? answer(null, addresses) : answer(null, first.address, first.family);
  });
};
