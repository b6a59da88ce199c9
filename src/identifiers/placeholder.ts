import { canonicalEmail } from './email';
import type { IdentifierKind } from './kind';

/** What people and programs write instead of a value. */
const words = new Set([
  ...[
    '',
    'na',
    'none',
    'null',
    'nil',
    'nan',
    'undefined',
    'unknown',
    'no',
    'nothing',
    'empty',
    'blank',
    'notavailable',
  ],
  ...[
    'notapplicable',
    'notprovided',
    'missing',
    'tbd',
    'xxx',
    'deleted',
    'removed',
    'redacted',
    'anonymous',
    'anonymised',
  ],
  ...['anonymized', 'erased', 'gdpr', 'placeholder', 'dummy'],
]);
const emailWords = new Set([
  ...[
    'noemail',
    'nomail',
    'noaddress',
    'noreply',
    'donotreply',
    'nobody',
    'noone',
    'invalid',
    'fake',
    'noemailaddress',
  ],
]);
const withoutSigns = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

const FEWEST_DIGITS = 5;
const keyed = ['1234567890123456789', '98765432109876543210', '123123123123', '121212121212'];

/**
 * Whether a value is a placeholder. It is stored as it is, but identifies nobody: nobody is found by it, told apart by
 * it, or taken for an erased person.
 */
export function isPlaceholder(kind: Exclude<IdentifierKind, 'externalId'>, value: string): boolean {
  if (kind === 'email') return isNoEmail(canonicalEmail(value));
  if (kind === 'phone') return isNoPhone(value.normalize('NFKC'));
  return words.has(withoutSigns(value)) || /^0+$/.test(withoutSigns(value));
}

function isNoEmail(address: string): boolean {
  const at = address.lastIndexOf('@');
  const local = withoutSigns(address.slice(0, Math.max(at, 0)));
  const domain = address.slice(at + 1);
  // RFC 2606: no address ends in .invalid.
  if (at < 0 || domain === 'invalid' || domain.endsWith('.invalid')) return true;
  const [label = ''] = domain.split('.');
  return (
    words.has(local) ||
    emailWords.has(local) ||
    (words.has(label) && domain.split('.').length < 2) ||
    /^0+$/.test(local)
  );
}

function isNoPhone(text: string): boolean {
  // A spreadsheet has rounded the number: 4.47912E+11.
  if (/^\+?\d(?:[.,]\d*)?E\+?\d{1,3}$/i.test(text.trim())) return true;
  const digits = text.replace(/\D/g, '').replace(/^0+/, '');
  if (digits.length < FEWEST_DIGITS || /^(\d)\1*$/.test(digits)) return true;
  return keyed.some((keys) => keys.includes(digits));
}
