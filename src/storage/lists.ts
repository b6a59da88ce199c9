/*
 * A list of codes (categories, purposes, countries) is one text column, joined by commas; codes contain none. A field
 * that is declared as `{ plain: { list: … } }` holds an array. These functions are for raw rows.
 */

/** The text of a list; null where there is no list. */
export function listText(list: readonly string[]): string;
export function listText(list: readonly string[] | null | undefined): string | null;
export function listText(list: readonly string[] | null | undefined): string | null {
  return list ? list.join(',') : null;
}

/** The list in a text. An empty text is an empty list; NULL is no list. */
export function listIn<T extends string = string>(text: unknown): T[] | null {
  if (typeof text !== 'string') return null;
  return text === '' ? [] : (text.split(',') as T[]);
}
