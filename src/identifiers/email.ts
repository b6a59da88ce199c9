import { domainToASCII, domainToUnicode } from 'node:url';
import type { Forms } from './forms';
import { mailboxesIn } from './mailbox';

/** An ASCII address whose domain ends in letters: it only needs lower case. */
const PLAIN = /^[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63}$/i;

/**
 * The canonical form of an e-mail address: without name, brackets or link, in lower case, with the domain in ASCII
 * (münchen.example is xn--mnchen-3ya.example).
 *
 * RFC 5321 lets the part before the @ be case-sensitive. No provider in use does so, and people do not care: it is
 * lower case too. Dots and plus signs stay, since only some providers ignore them.
 */
export function canonicalEmail(text: string): string {
  if (PLAIN.test(text)) return text.toLowerCase();
  const [address = text, another] = mailboxesIn(text);
  const folded = (another === undefined ? address : text).normalize('NFKC').trim().toLowerCase();
  const at = folded.lastIndexOf('@');
  if (at < 0) return folded;
  const domain = folded.slice(at + 1).replace(/\.$/, '');
  return `${folded.slice(0, at)}@${domainToASCII(domain) || domain}`;
}

/** Whether a domain may have another spelling, in the letters of its language. */
const isUnicode = (domain: string): boolean => !/^[a-z0-9.-]+$/.test(domain) || domain.includes('xn--');

/** The forms of an e-mail address. Older tombstones of erased people have the domain in the letters of its language. */
export function emailForms(text: string): Forms {
  const canonical = canonicalEmail(text);
  const at = canonical.lastIndexOf('@');
  const domain = canonical.slice(at + 1);
  const formerly = isUnicode(domain) ? `${canonical.slice(0, at + 1)}${domainToUnicode(domain)}` : canonical;
  const sole = [canonical];
  return {
    stored: canonical,
    sought: sole,
    kept: sole,
    recognised: formerly === canonical ? sole : [canonical, formerly],
  };
}

/** The most characters of an address. */
export const MAX_LENGTH = 320;

/** Letters of any script on both sides of the @ (RFC 6531, 6532). */
const LOCAL = /^[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}$/u;
const LABEL = /^[\p{L}\p{M}\p{N}_-]{1,63}$/u;

/** Whether a text is exactly one e-mail address, in any script (RFC 6531). */
export function isAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const labels = address
    .slice(at + 1)
    .replace(/\.$/, '')
    .split('.');
  if (at < 1 || address.length > MAX_LENGTH || !LOCAL.test(local) || local.includes('..')) return false;
  return labels.every((label) => LABEL.test(label) && !label.startsWith('-') && !label.endsWith('-'));
}
