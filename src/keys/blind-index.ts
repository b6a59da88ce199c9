import { createHmac } from 'node:crypto';
import { formsOf, type Identifier } from '../identifiers/forms';
import type { IdentifierKind } from '../identifiers/kind';

/**
 * The blind index of an identifier: equal for equal identifiers of one kind at one client, and telling nothing else. What
 * is hashed is the identifier's canonical form (identifiers/forms.ts).
 *
 * @param key the client's derived key for `blind-index`
 * @returns base64url, 43 characters; null where it identifies nobody: a placeholder, a phone without a digit
 */
export function blindIndex(key: Buffer, identifier: Identifier): string | null {
  const forms = formsOf(identifier);
  return forms ? digestOf(key, identifier.kind, forms.stored) : null;
}

/** The blind indexes of the rows that an identifier may mean; none where it identifies nobody. */
export function soughtIndexes(key: Buffer, identifier: Identifier): string[] {
  return (formsOf(identifier)?.sought ?? []).map((form) => digestOf(key, identifier.kind, form));
}

/** The blind index of an attribute's key, among its person's own: equal keys of two people have indexes that do not tell it. */
export function attributeKeyIndex(key: Buffer, person: string, attributeKey: string): string {
  return createHmac('sha256', key).update(`attributeKey\0${person}\0${attributeKey}`, 'utf8').digest('base64url');
}

/** A keyed digest of one form of an identifier: HMAC-SHA256 in base64url, 43 characters. */
export function digestOf(key: Buffer, kind: IdentifierKind, form: string): string {
  return createHmac('sha256', key).update(`${kind}\0${form}`, 'utf8').digest('base64url');
}
