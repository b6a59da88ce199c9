import { lookup as resolve } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The block of global unicast IPv6 addresses (RFC 4291, section 2.4). */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address is a public one. Others belong to this network or tunnel into it, and nobody outside may make the
 * server call them (server-side request forgery).
 */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false;
  // An IPv4-mapped IPv6 address is judged as its IPv4 address.
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(globalUnicast);
}

/** The IP address in a URL; undefined where it has a name. */
export const literalAddressIn = ({ hostname }: URL): string | undefined => {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) === 0 ? undefined : literal;
};

/**
 * Looks up a name for a connection, and fails where any of its addresses is not public. The connection uses the
 * addresses that were checked: a second look-up could return others (DNS rebinding).
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
