import { domainToASCII, domainToUnicode } from 'node:url';
import type { Forms } from './forms';
import { mailboxesIn } from './mailbox';

/** An address in ASCII whose domain ends in letters: lower case is all that it needs. */
const PLAIN = /^[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63}$/i;

/**
 * The one form of an e-mail address: without name, brackets, link; the domain in ASCII, so that münchen.example is
 * xn--mnchen-3ya.example; in lower case.
 *
 * By RFC 5321 the part before the @ may mind case. No provider in use does, and people do not: it is lower case too. Dots
 * and plus signs in it stay: that they mean nothing holds at some providers only.
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

/** Whether a domain may have another spelling in the letters of its language. */
const isUnicode = (domain: string): boolean => !/^[a-z0-9.-]+$/.test(domain) || domain.includes('xn--');

/** An e-mail address's forms. Formerly the domain was kept of erased people in the letters of its language. */
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

/** Characters of an address at most. */
export const MAX_LENGTH = 320;

/** Letters of any script on both sides of the @ (RFC 6531, 6532), as people have them. */
const LOCAL = /^[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}$/u;
const LABEL = /^[\p{L}\p{M}\p{N}_-]{1,63}$/u;

/** Whether a text is one e-mail address and nothing else; letters of any script are (RFC 6531). */
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
