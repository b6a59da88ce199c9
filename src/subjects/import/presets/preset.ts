import type { ImportKind } from '../kinds';

/** What a field comes from, as a mapping says it. */
export type Source =
  | string
  | readonly string[]
  | { readonly column: string; readonly format?: string; readonly decimal?: '.' | ',' }
  | { readonly value: string };

/** How one of a product's exports becomes rows of one kind. */
export interface PresetKind {
  /** Which export it is, as the product calls it. */
  readonly export: string;
  /** Our field → where it may come from: versions of an export differ, and the first that the file has counts. */
  readonly fields: Readonly<Record<string, readonly Source[]>>;
  /** Rows that are taken; others are of somebody else. */
  readonly only?: { readonly column: string; readonly is: readonly string[] };
  /** What a user has to know of it. */
  readonly note?: string;
}

/** The mappings of one product's exports. */
export interface Preset {
  readonly product: string;
  readonly kinds: Readonly<Partial<Record<ImportKind, PresetKind>>>;
}
