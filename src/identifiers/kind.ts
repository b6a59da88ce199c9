/** A kind of identifier that finds a person. */
export type IdentifierKind = 'email' | 'phone' | 'socialHandle' | 'externalId';
