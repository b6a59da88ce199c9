/** A value of an entry. Undefined members are omitted, as JSON omits them. */
export type Json =
  | string
  | number
  | boolean
  | null
  | undefined
  | Written
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A part that many entries share, serialised once. */
export class Written {
  readonly text: string;

  constructor(value: Json) {
    this.text = canonical(value);
  }
}

/** Canonical JSON: keys in the order of their code units, no spaces (RFC 8785, for the values that entries hold). */
export function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null);
  if (value instanceof Written) return value.text;
  if (isList(value)) return value.length === 0 ? '[]' : `[${value.map(canonical).join(',')}]`;
  let text = '';
  for (const key of inOrder(Object.keys(value))) {
    const part = value[key];
    if (part !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(part)}`;
  }
  return `{${text}}`;
}

/** Most objects are already in order, and checking is cheaper than sorting. */
function inOrder(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] as string) > (keys[index] as string)) return keys.sort();
  }
  return keys;
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
