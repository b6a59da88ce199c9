import { type GraphQLNamedType, isCompositeType, isEnumType } from 'graphql';

/** What pseudonyms are made with. */
export interface PseudonymDomain {
  /** The client's key: equal values have equal pseudonyms under one key, and different ones under another. */
  readonly key: Uint8Array;
  /** What the value identifies: equal values of two domains have different pseudonyms. */
  readonly domain: string;
}

/** One way to de-identify a value. The schema's checks, its description and the masking itself come from this entry. */
export interface Method {
  /** Stands in the schema. */
  readonly description: string;
  /** Whether its values depend on {@link PseudonymDomain.key}, so that the schema needs one. */
  readonly keyed: boolean;
  /** Whether it tells nothing at all of the value: what is given by it counts as withheld. */
  readonly empty: boolean;
  /** Why values of a type cannot be de-identified so, and what would do; undefined where they can. */
  unsuitable(type: GraphQLNamedType): string | undefined;
  /** The form of one value, never null and never a list; null for a value that the method cannot treat. */
  mask(value: unknown, within: PseudonymDomain): unknown;
}

/** Objects, enums and truth values have no de-identified form: any value of theirs is one of few. */
export const hasNoForm = (type: GraphQLNamedType): boolean =>
  isCompositeType(type) || isEnumType(type) || type.name === 'Boolean';

export const isNumber = ({ name }: GraphQLNamedType): boolean => name === 'Int' || name === 'Float';
export const isText = ({ name }: GraphQLNamedType): boolean => name === 'String' || name === 'ID';

export const ONLY_SUPPRESS = 'only SUPPRESS does';
