import { createHmac } from 'node:crypto';
import { formsOf, type Identifier } from '../identifiers/forms';
import type { IdentifierKind } from '../identifiers/kind';
import type { DerivedKeys } from './derived-keys';
import { quickest } from './key-form';

/**
 * The blind index of an identifier: a keyed digest of its canonical form (identifiers/forms.ts). It is equal for equal
 * identifiers of one kind at one client, and reveals nothing else.
 *
 * @param key the client's derived key for `blind-index`
 * @returns base64url, 43 characters; null for what identifies nobody: a placeholder, a phone number without digits
 */
export function blindIndex(key: Buffer, identifier: Identifier): string | null {
  const forms = formsOf(identifier);
  return forms ? digestOf(key, identifier.kind, forms.stored) : null;
}

/**
 * The blind indexes of the rows that an identifier may mean; none for one that identifies nobody. Those under an older
 * key come first: while rows are moved to the newer key, whoever looks in that order misses none.
 */
export function soughtIndexes({ all }: DerivedKeys, identifier: Identifier): string[] {
  const sought = formsOf(identifier)?.sought ?? [];
  return all.flatMap((key) => sought.map((form) => digestOf(key, identifier.kind, form)));
}

/** The blind indexes that rows with an identifier have, under each key; none for one that identifies nobody. */
export function storedIndexes({ all }: DerivedKeys, identifier: Identifier): string[] {
  return all.flatMap((key) => blindIndex(key, identifier) ?? []);
}

/**
 * The blind index of an attribute's key. It also covers the person, so equal keys of two people have different indexes.
 */
export function attributeKeyIndex(key: Buffer, person: string, attributeKey: string): string {
  return createHmac('sha256', quickest(key))
    .update(`attributeKey\0${person}\0${attributeKey}`, 'utf8')
    .digest('base64url');
}

/** A keyed digest of one form of an identifier: HMAC-SHA256 in base64url, 43 characters. */
export function digestOf(key: Buffer, kind: IdentifierKind, form: string): string {
  return createHmac('sha256', quickest(key)).update(`${kind}\0${form}`, 'utf8').digest('base64url');
}
