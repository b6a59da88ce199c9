/** Something about a person that the inventory does not cover. */
export interface Gap {
  /** The table, `table.column` or `Type.field`. */
  readonly at: string;
  readonly fault: string;
  readonly remedy: string;
}
