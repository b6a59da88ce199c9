import { LRUCache } from 'lru-cache';
import { emailForms } from './email';
import { handleForms } from './handle';
import type { IdentifierKind } from './kind';
import { phoneForms } from './phone';
import { isPlaceholder } from './placeholder';

/** An identifier of a person, as somebody wrote it. */
export interface Identifier {
  readonly kind: IdentifierKind;
  readonly value: string;
  /** The possible countries of a phone number without a country code, ISO 3166-1 alpha-2, the likeliest first. */
  readonly countries?: readonly string[];
}

/**
 * The canonical forms of one identifier. Most have one. An incomplete spelling (a phone number without its country, a
 * handle without its network) has a form of its own, and is compared with everything it may mean.
 */
export interface Forms {
  /** The form that a row is stored by. */
  readonly stored: string;
  /** The forms of the rows that it may mean. */
  readonly sought: readonly string[];
  /** The forms in an erased person's tombstone. */
  readonly kept: readonly string[];
  /** The forms in tombstones that it may mean. */
  readonly recognised: readonly string[];
}

/** The countries in fields: codes, or objects with a code in `country`. */
export function countriesIn(fields: readonly unknown[]): string[] {
  return fields.flatMap((field) => {
    const country = typeof field === 'object' && field !== null && 'country' in field ? field.country : field;
    return typeof country === 'string' && /^[A-Z]{2}$/.test(country) ? [country] : [];
  });
}

/** A row is first checked, then written. Its identifiers are parsed once. */
const known = new LRUCache<string, { readonly forms: Forms | undefined }>({ max: 5_000 });

/** The forms of an identifier; undefined for a placeholder, which identifies nobody. */
export function formsOf(identifier: Identifier): Forms | undefined {
  // Parsing these is faster than caching them.
  if (identifier.kind === 'externalId' || identifier.kind === 'email') return read(identifier);
  const key = `${identifier.kind}\0${identifier.countries?.join() ?? ''}\0${identifier.value}`;
  const found = known.get(key) ?? { forms: read(identifier) };
  known.set(key, found);
  return found.forms;
}

function read({ kind, value, countries = [] }: Identifier): Forms | undefined {
  // A client's own ids have no common form.
  if (kind === 'externalId') return externalIdForms(value.trim());
  if (isPlaceholder(kind, value)) return undefined;
  if (kind === 'email') return emailForms(value);
  return kind === 'phone' ? phoneForms(value, countries) : handleForms(value);
}

function externalIdForms(id: string): Forms | undefined {
  return id === '' ? undefined : { stored: id, sought: [id], kept: [id], recognised: [id] };
}
