import { canonicalEmail, isAddress, MAX_LENGTH } from '../../identifiers/email';
import { mailboxesIn } from '../../identifiers/mailbox';
import { isNothing, trimmed } from './nothing';
import { nothing, type Reading } from './reading';
import { plainText } from './text';

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
