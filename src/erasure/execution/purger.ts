/**
 * Removes copies outside the tables: exports, files, indexes, caches of other modules. A second run removes what is
 * left.
 */
export interface Purger {
  readonly store: string;
  /**
   * @param subject null for everything of the client
   * @param since milliseconds since 1970: copies made later cannot contain the erased data
   * @returns how many it removed
   */
  purge(client: string, subject: string | null, since: number): Promise<number>;
}
