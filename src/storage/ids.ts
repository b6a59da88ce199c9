/**
 * Whether a text can be an id or a slug: printable ASCII without spaces. MySQL refuses to compare other characters with
 * an ASCII column, and it ignores spaces at the end.
 */
export const isIdShaped = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);

/** An id as it was sent. One that no row can have becomes a text that no row has, but every engine can compare. */
export const shapedId = (text: string): string =>
  isIdShaped(text) ? text : `~${Buffer.from(text).toString('base64url')}`;
