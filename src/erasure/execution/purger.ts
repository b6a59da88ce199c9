/**
 * Copies that are in no table: files, indexes, caches of other modules. Run again, it removes what is left.
 */
export interface Purger {
  readonly store: string;
  /**
   * @param subject null for everything of the client
   * @param since milliseconds since 1970: whatever was copied later cannot hold what is erased
   * @returns how many it removed
   */
  purge(client: string, subject: string | null, since: number): Promise<number>;
}
