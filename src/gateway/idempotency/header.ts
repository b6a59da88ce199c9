import { gatewayErrors } from '../errors';

export const keyHeader = 'idempotency-key';
/** Says that something in an answer was done by an earlier request. */
export const repeatedHeader = 'idempotency-replayed';

/** The longest key. A UUID has 36 characters. */
const MOST_CHARACTERS = 128;

/** A string of RFC 9651, as the draft says, or what most clients send: the same without quotes. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const BARE = /^[\w.:~+/=-]+$/;

/**
 * The key of the header `idempotency-key` (draft-ietf-httpapi-idempotency-key-header).
 * @throws {GatewayError} 400 where it is empty, too long, doubled, or no string
 */
export function statedKey(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw gatewayErrors.idempotencyKey();
  const text = value.trim();
  const key = BARE.test(text) ? text : QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, '$1');
  if (key === undefined || key === '' || key.length > MOST_CHARACTERS) throw gatewayErrors.idempotencyKey();
  return key;
}
