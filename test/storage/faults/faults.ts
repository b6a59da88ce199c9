/** Makes a database fail at one of the statements that a process sends. */
export interface Faults {
  readonly kinds: readonly string[];
  /** Lets the statement number `at` fail, counted from now on, from 1. */
  arm(kind: string, at: number): void;
  /** Ends all faults. @returns how many statements came since `arm`, and which failed: COMMIT if it was among them */
  disarm(): { count: number; struck: string | undefined };
  /** The URL by which the process under test must connect. */
  through(url: string): string;
  close(): Promise<void>;
}
