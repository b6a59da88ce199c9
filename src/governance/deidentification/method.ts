import { type GraphQLNamedType, isCompositeType, isEnumType } from 'graphql';

/** What pseudonyms are made with. */
export interface PseudonymDomain {
  /** The client's key. Equal values have different pseudonyms under another key. */
  readonly key: Uint8Array;
  /** What the value identifies. Equal values have different pseudonyms in another domain. */
  readonly domain: string;
}

/** One way to de-identify a value: its description, which types it suits, and the masking. */
export interface Method {
  /** Stands in the schema. */
  readonly description: string;
  /** Whether it needs {@link PseudonymDomain.key}. */
  readonly keyed: boolean;
  /** Whether it gives nothing of the value, so that it counts as withheld. */
  readonly empty: boolean;
  /** Why the method does not suit a type, and what does; undefined if it suits. */
  unsuitable(type: GraphQLNamedType): string | undefined;
  /** Masks one value, which is neither null nor a list. Gives null for a value that it cannot mask. */
  mask(value: unknown, within: PseudonymDomain): unknown;
}

/** Objects, enums and Booleans have no de-identified form. Their values are too few, or have no text. */
export const hasNoForm = (type: GraphQLNamedType): boolean =>
  isCompositeType(type) || isEnumType(type) || type.name === 'Boolean';

export const isNumber = ({ name }: GraphQLNamedType): boolean => name === 'Int' || name === 'Float';
export const isText = ({ name }: GraphQLNamedType): boolean => name === 'String' || name === 'ID';

export const ONLY_SUPPRESS = 'only SUPPRESS does';
