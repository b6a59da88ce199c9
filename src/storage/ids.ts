/**
 * Whether a text can be the id or the slug of a row: printable ASCII without blanks. Ids are compared as ASCII; of anything
 * else MySQL makes an error, and a text with blanks behind it is to MySQL the same as without.
 */
export const isIdShaped = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);

/** An id as it was sent; one that no row can have as a text that no row has either, and every engine compares. */
export const shapedId = (text: string): string =>
  isIdShaped(text) ? text : `~${Buffer.from(text).toString('base64url')}`;
