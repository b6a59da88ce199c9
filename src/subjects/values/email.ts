import { canonicalEmail } from '../../storage/identifiers/email';
import { mailboxesIn } from '../../storage/identifiers/mailbox';
import { isNothing, trimmed } from './nothing';
import { nothing, type Reading } from './reading';
import { plainText } from './text';

const MAX_LENGTH = 320;

/** Letters of any script on both sides of the @ (RFC 6531, 6532), as people have them. */
const LOCAL = /^[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}$/u;
const LABEL = /^[\p{L}\p{M}\p{N}_-]{1,63}$/u;

/**
 * The address in a text as address books write it: `Ada <ada@example.org>`, `mailto:ada@example.org?subject=…`. The
 * spelling of the address itself stays. A text with several addresses is refused: which is the person's is not certain.
 */
export function readEmail(text: string): Reading<string> {
  const written = trimmed(plainText(trimmed(text)));
  if (isNothing(written)) return nothing;
  if (written.length > 2 * MAX_LENGTH) return { reason: 'is not an e-mail address' };
  const found = new Map(mailboxesIn(written).map((address) => [canonicalEmail(address), trimmed(address)]));
  const [address, another] = [...found.values()];
  if (another !== undefined) return { reason: 'holds several e-mail addresses; keep one' };
  return address !== undefined && isAddress(address) ? { value: address } : { reason: 'is not an e-mail address' };
}

function isAddress(address: string): boolean {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const labels = address
    .slice(at + 1)
    .replace(/\.$/, '')
    .split('.');
  if (at < 1 || address.length > MAX_LENGTH || !LOCAL.test(local) || local.includes('..')) return false;
  return labels.every((label) => LABEL.test(label) && !label.startsWith('-') && !label.endsWith('-'));
}
