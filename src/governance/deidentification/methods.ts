import { bucket } from './bucket';
import { generalize } from './generalize';
import type { Method, PseudonymDomain } from './method';
import { partial } from './partial';
import { pseudonym } from './pseudonym';
import { suppress } from './suppress';

export type { PseudonymDomain } from './method';

/** Every method of de-identification. A new one takes a file beside these and a line here. */
export const methods = {
  PSEUDONYM: pseudonym,
  PARTIAL: partial,
  GENERALIZE: generalize,
  BUCKET: bucket,
  SUPPRESS: suppress,
} as const satisfies Record<string, Method>;

/** How a value is given to a purpose that may see the field, but not the value. */
export type Deidentification = keyof typeof methods;

/**
 * The de-identified form of a value; of a list, that of each item. What a method cannot mask becomes null. A suppressed
 * list becomes null as a whole, since its length would tell something.
 */
export function deidentify(name: Deidentification, value: unknown, within: PseudonymDomain): unknown {
  const method: Method = methods[name];
  if (method.empty || value === null || value === undefined || value instanceof Error) return null;
  if (Array.isArray(value)) return value.map((item) => deidentify(name, item, within));
  return method.mask(value, within);
}
