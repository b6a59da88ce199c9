/** What is seen of security when a report is made, in the stores themselves. */
export interface Security {
  /** How the ledger stands: whether it is sound, and up to when it was verified. */
  readonly ledger: string;
  /** A client's people, customers and users, and how many keys of persons there are. */
  readonly people: number;
  readonly keys: number;
}
