/*
 * A list of codes (categories, purposes, countries) is one column of text, joined by commas. Codes have no comma. A field
 * of a tenant's table says `{ plain: { list: … } }` and holds an array; raw rows are read by these.
 */

/** A list as its column keeps it; none is NULL. */
export function listText(list: readonly string[]): string;
export function listText(list: readonly string[] | null | undefined): string | null;
export function listText(list: readonly string[] | null | undefined): string | null {
  return list ? list.join(',') : null;
}

/** A column's list. An empty text is an empty list; NULL is none. */
export function listIn<T extends string = string>(text: unknown): T[] | null {
  if (typeof text !== 'string') return null;
  return text === '' ? [] : (text.split(',') as T[]);
}
