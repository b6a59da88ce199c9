/**
 * What a text became: a value, nothing at all, or why it is neither. The reason completes "the field …" and never repeats
 * the text, which may be personal data.
 */
export type Reading<T> = { readonly value: T } | { readonly nothing: true } | { readonly reason: string };

export const nothing = { nothing: true } as const;
