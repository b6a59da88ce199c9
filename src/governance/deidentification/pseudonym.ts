import { createHmac } from 'node:crypto';
import { hasNoForm, isNumber, type Method, ONLY_SUPPRESS } from './method';

export const pseudonym: Method = {
  description:
    'A keyed digest, the same for the same value of a domain within a client, different across domains and clients.',
  keyed: true,
  empty: false,
  unsuitable: (type) => (hasNoForm(type) ? ONLY_SUPPRESS : isNumber(type) ? 'a String or an ID is needed' : undefined),
  mask(value, { key, domain }) {
    if (typeof value !== 'string' && typeof value !== 'number') return null;
    // The zero byte separates the domain from the value: no other pair makes the same text.
    return `p_${createHmac('sha256', key).update(`${domain}\0${value}`).digest('base64url').slice(0, 22)}`;
  },
};
