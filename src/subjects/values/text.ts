import { isNothingAsText, trimmed } from './nothing';
import { nothing, type Reading } from './reading';

export interface TextOptions {
  /** The most characters. */
  readonly limit: number;
  /** What means nothing beside what always does, such as NULL. */
  readonly nothing?: readonly string[];
}

/**
 * A free text as a spreadsheet or a database wrote it: `="0123"` and `'0123` keep a spreadsheet from reading a number;
 * spaces that do not break are spaces.
 */
export function readText(text: string, { limit, nothing: also }: TextOptions): Reading<string> {
  const value = trimmed(plainText(trimmed(text))).replace(/[\u00a0\u202f]/g, ' ');
  if (isNothingAsText(value, also)) return nothing;
  return value.length > limit ? { reason: `is longer than ${limit} characters` } : { value };
}

/** Without what is there for a spreadsheet's sake alone. An apostrophe before a letter belongs to a name: 't Hooft. */
export function plainText(text: string): string {
  if (text.startsWith('="') && text.endsWith('"') && text.length > 2) return text.slice(2, -1).replaceAll('""', '"');
  return /^'[\d=+@-]/.test(text) ? text.slice(1) : text;
}
