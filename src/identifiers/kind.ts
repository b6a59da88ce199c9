/** An identifier by which a person is looked up. */
export type IdentifierKind = 'email' | 'phone' | 'socialHandle' | 'externalId';
