/** A category that the caller may not read for the stated purpose, by law, an agreement or a grant's scope. */
export interface Prohibition {
  readonly category: string;
  readonly code: string;
  /** What forbids it, as the caller reads it: a clause, an article, a grant. */
  readonly rule: string;
}

/** Why a row rule withholds a row: an error code, with the rule behind it if that is not the code's usual one. */
export type RowRefusal = string | { readonly code: string; readonly rule: string };

/**
 * Who asks, for which purpose, and with which rights. What is absent is refused. The core looks nothing up: its caller
 * must have verified each fact.
 */
export interface Access {
  /**
   * A key for the decision cache. Two accesses with the same object must have the same rights for the stated purpose.
   * Without it, the cache compares the rights themselves each time.
   */
  readonly basis?: object | undefined;
  /** The authenticated caller. */
  readonly principal?: string | undefined;
  /** The purpose stated by header. If the operation has @purpose too, both must agree. */
  readonly purpose?: string | undefined;
  /**
   * Gives the caller's access for a purpose that only the document states, since prohibitions and row rules depend on
   * the purpose. Without it, this access is used for every purpose.
   */
  readonly forPurpose?: ((purpose: string) => Access) | undefined;
  /** Purposes that the token and a grant or instruction in force allow. */
  readonly grantedPurposes: readonly string[];
  readonly scopes?: readonly string[] | undefined;
  /** Kinds of agreement in force with the client. */
  readonly agreements?: readonly string[] | undefined;
  readonly prohibitions?: readonly Prohibition[] | undefined;
  /**
   * Decides whether a governed field of one row is withheld. It is called for each field of each row, so it must be
   * cheap and synchronous. `category` is undefined for a derived field without a category of its own.
   */
  readonly row?:
    | ((row: unknown, coordinate: string, category?: string | undefined) => RowRefusal | undefined)
    | undefined;
  /** This client's key for pseudonyms. Without it, one is derived from the key that `govern` was given. */
  readonly pseudonymKey?: Uint8Array | undefined;
  /** The client whose data is read. Pseudonyms that are made with `govern`'s key differ between clients. */
  readonly client?: string | undefined;
  /** The version of the grants, instructions and agreements behind this access. */
  readonly policyVersion?: string | undefined;
}

/** Finds the access of a request in its context. */
export type AccessOf = (contextValue: unknown) => Access | undefined;

const nobody: Access = { grantedPurposes: [] };

/** By default the context's property `access`. A request without access is treated as unauthenticated. */
export function accessFinder(accessOf: AccessOf | undefined): (contextValue: unknown) => Access {
  const find = accessOf ?? ((context) => (context as { access?: Access } | null | undefined)?.access);
  return (context) => find(context) ?? nobody;
}
