import { hasNoForm, isNumber, type Method, ONLY_SUPPRESS } from './method';

export const generalize: Method = {
  description: 'A date becomes its year, a postcode its prefix, an IP address its network.',
  keyed: false,
  empty: false,
  unsuitable: (type) => (hasNoForm(type) ? ONLY_SUPPRESS : isNumber(type) ? 'BUCKET does' : undefined),
  mask(value) {
    if (value instanceof Date) return new Date(Date.UTC(value.getUTCFullYear(), 0, 1));
    if (typeof value !== 'string') return null;
    const text = value.trim();
    const date = isoDate.exec(text);
    if (date) return date[2] ? `${date[1]}-01-01T00:00:00.000Z` : `${date[1]}-01-01`;
    const address = ipv4.exec(text);
    if (address) return `${address[1]}.0/24`;
    if (text.includes(':')) return network6(text);
    return postcode.test(text) && /\d/.test(text) ? text.slice(0, Math.min(3, text.length >> 1)) : null;
  },
};

const isoDate = /^(\d{4})-\d{2}-\d{2}(T.*)?$/;
const ipv4 = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/;
const postcode = /^[A-Z0-9][A-Z0-9 -]{1,10}$/i;

/** The /48 network of an IPv6 address, which is a site's, without its hosts. */
function network6(text: string): string | null {
  if (!/^[0-9a-f:]+$/i.test(text)) return null;
  const [head = '', tail = ''] = text.toLowerCase().split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const zeros = text.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return groups.length === 8 ? `${groups.slice(0, 3).join(':')}::/48` : null;
}
