import { LRUCache } from 'lru-cache';
import { emailForms } from './email';
import { handleForms } from './handle';
import type { IdentifierKind } from './kind';
import { phoneForms } from './phone';
import { isPlaceholder } from './placeholder';

/** What reaches or names a person, as somebody wrote it. */
export interface Identifier {
  readonly kind: IdentifierKind;
  readonly value: string;
  /** Where a phone number without a country's code may be of, ISO 3166-1 alpha-2: the likeliest first. */
  readonly countries?: readonly string[];
}

/**
 * The canonical forms of one identifier. Most have one. A spelling that leaves something open (a phone number without
 * its country, a handle without its network) has a form of its own, and is compared with all that it may stand for.
 */
export interface Forms {
  /** What a row is found by. */
  readonly stored: string;
  /** What the rows may be stored by that it means. */
  readonly sought: readonly string[];
  /** What stays of an erased person. */
  readonly kept: readonly string[];
  /** What may have stayed of an erased person whom it means. */
  readonly recognised: readonly string[];
}

/** The countries that fields say: codes, or objects that have one in `country`. */
export function countriesIn(fields: readonly unknown[]): string[] {
  return fields.flatMap((field) => {
    const country = typeof field === 'object' && field !== null && 'country' in field ? field.country : field;
    return typeof country === 'string' && /^[A-Z]{2}$/.test(country) ? [country] : [];
  });
}

/** A row is checked, then written: its identifiers are read once. */
const known = new LRUCache<string, { readonly forms: Forms | undefined }>({ max: 5_000 });

/** An identifier's forms; undefined for a placeholder, which is nobody's and matches nobody. */
export function formsOf(identifier: Identifier): Forms | undefined {
  // Read anew faster than they are remembered.
  if (identifier.kind === 'externalId' || identifier.kind === 'email') return read(identifier);
  const key = `${identifier.kind}\0${identifier.countries?.join() ?? ''}\0${identifier.value}`;
  const found = known.get(key) ?? { forms: read(identifier) };
  known.set(key, found);
  return found.forms;
}

function read({ kind, value, countries = [] }: Identifier): Forms | undefined {
  // A client's own ids mean what the client says.
  if (kind === 'externalId') return externalIdForms(value.trim());
  if (isPlaceholder(kind, value)) return undefined;
  if (kind === 'email') return emailForms(value);
  return kind === 'phone' ? phoneForms(value, countries) : handleForms(value);
}

function externalIdForms(id: string): Forms | undefined {
  return id === '' ? undefined : { stored: id, sought: [id], kept: [id], recognised: [id] };
}
