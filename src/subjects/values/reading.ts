/**
 * The result of reading a text: a value, nothing, or the reason why it cannot be read. The reason completes "the field
 * …" and never repeats the text, which can be personal data.
 */
export type Reading<T> = { readonly value: T } | { readonly nothing: true } | { readonly reason: string };

export const nothing = { nothing: true } as const;
