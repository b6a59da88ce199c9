import { hasNoForm, isNumber, type Method, ONLY_SUPPRESS } from './method';

export const partial: Method = {
  description: 'The last four digits of a long number, else the first letter.',
  keyed: false,
  empty: false,
  unsuitable: (type) => (hasNoForm(type) ? ONLY_SUPPRESS : isNumber(type) ? 'a String or an ID is needed' : undefined),
  mask: (value) => (typeof value === 'string' || typeof value === 'number' ? shown(String(value)) : null),
};

function shown(text: string): string {
  const digits = text.replace(/\D/g, '');
  const mostlyDigits = digits.length >= 8 && digits.length * 2 > text.length;
  if (mostlyDigits) return `••••${digits.slice(-4)}`;
  const [first] = text.trim();
  return first === undefined || text.trim().length < 2 ? '•' : `${first}•••`;
}
