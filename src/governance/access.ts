/** A category that law, an agreement or a grant's scope closes to the caller for the stated purpose. */
export interface Prohibition {
  readonly category: string;
  readonly code: string;
  /** What closes it, as the caller will read it: a clause, an article, a grant. */
  readonly rule: string;
}

/** A row rule's answer where it withholds: a code of the catalogue, with the rule where it differs from the code's. */
export type RowRefusal = string | { readonly code: string; readonly rule: string };

/**
 * Who asks, for what, and with which rights; everything that is absent is refused. Nothing here is looked up by the
 * core: whoever calls it has proved each fact.
 */
export interface Access {
  /**
   * Stands for all that a decision rests on, for the stated purpose: accesses with the same object are decided alike, and
   * what was decided is kept with it. Absent, what it rests on is compared each time.
   */
  readonly basis?: object | undefined;
  /** Whoever was authenticated. */
  readonly principal?: string | undefined;
  /** The purpose stated by header; @purpose on the operation states the same or nothing. */
  readonly purpose?: string | undefined;
  /**
   * The same caller's access for a purpose that only the document states: prohibitions and row rules depend on it.
   * Absent, this access serves for every purpose.
   */
  readonly forPurpose?: ((purpose: string) => Access) | undefined;
  /** Purposes that the token and a grant or instruction in force allow. */
  readonly grantedPurposes: readonly string[];
  readonly scopes?: readonly string[] | undefined;
  /** Kinds of agreement in force with the client. */
  readonly agreements?: readonly string[] | undefined;
  readonly prohibitions?: readonly Prohibition[] | undefined;
  /**
   * Withholds the governed fields of one row; called for each, so it must be cheap and synchronous. A derived field that
   * names no category of its own has none.
   */
  readonly row?:
    | ((row: unknown, coordinate: string, category?: string | undefined) => RowRefusal | undefined)
    | undefined;
  /** The key of pseudonyms: stable within a client, different across clients. Absent, one is derived from `govern`'s. */
  readonly pseudonymKey?: Uint8Array | undefined;
  /** The client whose data is read: pseudonyms that are made with `govern`'s key differ between clients. */
  readonly client?: string | undefined;
  /** Version of the grants, instructions and agreements that this access was made from. */
  readonly policyVersion?: string | undefined;
}

/** Finds the access of a request in its context. */
export type AccessOf = (contextValue: unknown) => Access | undefined;

const nobody: Access = { grantedPurposes: [] };

/** A request whose context brings no access is nobody's. Default: the context's property `access`. */
export function accessFinder(accessOf: AccessOf | undefined): (contextValue: unknown) => Access {
  const find = accessOf ?? ((context) => (context as { access?: Access } | null | undefined)?.access);
  return (context) => find(context) ?? nobody;
}
