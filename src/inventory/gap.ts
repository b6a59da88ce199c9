/** Something about a person that nobody accounts for. */
export interface Gap {
  /** The table, `table.column` or `Type.field`. */
  readonly at: string;
  readonly fault: string;
  readonly remedy: string;
}
