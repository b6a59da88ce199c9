import { createHmac, randomBytes } from 'node:crypto';
import type { Access } from './access';
import type { Deidentification } from './vocabulary';

/** Used where an access brings no key: pseudonyms then hold for the life of the process and say nothing outside it. */
const processKey = randomBytes(32);

/** Where equal values have equal pseudonyms: a client's key, and what is identified. */
export interface PseudonymDomain {
  /** See {@link pseudonymKeyOf}. */
  readonly key: Uint8Array;
  readonly domain: string;
}

/**
 * The de-identified form of a value; of a list, of each item. What a method cannot treat becomes null, and a suppressed
 * list does too: its length would tell.
 * @param within what pseudonyms are made with
 */
export function deidentify(method: Deidentification, value: unknown, within: PseudonymDomain): unknown {
  if (method === 'SUPPRESS' || value === null || value === undefined || value instanceof Error) return null;
  if (Array.isArray(value)) return value.map((item) => deidentify(method, item, within));
  switch (method) {
    case 'PSEUDONYM':
      return pseudonym(value, within);
    case 'PARTIAL':
      return typeof value === 'string' || typeof value === 'number' ? partial(String(value)) : null;
    case 'GENERALIZE':
      return generalize(value);
    case 'BUCKET':
      return typeof value === 'number' ? bucket(value) : null;
  }
}

/** The key that pseudonyms of this access are made with: never the same for two clients. */
export function pseudonymKeyOf(access: Access): Uint8Array {
  return (
    access.pseudonymKey ??
    createHmac('sha256', processKey)
      .update(access.client ?? '')
      .digest()
  );
}

/** A zero byte ends the domain, so that no domain and value are another domain and value put together. */
function pseudonym(value: unknown, { key, domain }: PseudonymDomain): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  return `p_${createHmac('sha256', key).update(`${domain}\0${value}`).digest('base64url').slice(0, 22)}`;
}

function partial(text: string): string {
  const digits = text.replace(/\D/g, '');
  const mostlyDigits = digits.length >= 8 && digits.length * 2 > text.length;
  if (mostlyDigits) return `••••${digits.slice(-4)}`;
  const [first] = text.trim();
  return first === undefined || text.trim().length < 2 ? '•' : `${first}•••`;
}

const isoDate = /^(\d{4})-\d{2}-\d{2}(T.*)?$/;
const ipv4 = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/;
const postcode = /^[A-Z0-9][A-Z0-9 -]{1,10}$/i;

function generalize(value: unknown): unknown {
  if (value instanceof Date) return new Date(Date.UTC(value.getUTCFullYear(), 0, 1));
  if (typeof value !== 'string') return null;
  const text = value.trim();
  const date = isoDate.exec(text);
  if (date) return date[2] ? `${date[1]}-01-01T00:00:00.000Z` : `${date[1]}-01-01`;
  const address = ipv4.exec(text);
  if (address) return `${address[1]}.0/24`;
  if (text.includes(':')) return network6(text);
  return postcode.test(text) && /\d/.test(text) ? text.slice(0, Math.min(3, text.length >> 1)) : null;
}

/** The /48 of an IPv6 address: what a site gets, and no host within it. */
function network6(text: string): string | null {
  if (!/^[0-9a-f:]+$/i.test(text)) return null;
  const [head = '', tail = ''] = text.toLowerCase().split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const zeros = text.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return groups.length === 8 ? `${groups.slice(0, 3).join(':')}::/48` : null;
}

/** The lower bound of the 1-2-5 range that holds the number. */
function bucket(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  const size = Math.abs(value);
  if (size < 1) return 0;
  const power = 10 ** Math.floor(Math.log10(size));
  const bound = [5, 2, 1].map((step) => step * power).find((step) => step <= size) ?? power;
  return value < 0 ? -bound : bound;
}
