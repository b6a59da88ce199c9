/** The state of a data subject that decides on rows about them (points 6 and 7 of a decision). */
export interface SubjectState {
  /** The person's id, which the audit ledger refers to. */
  readonly subject?: string;
  /** Set while processing is restricted, objected to, or the person is under erasure. */
  readonly restriction: string | null;
  /** The purposes that the person objects to, a bit each (objections.ts). */
  readonly objections: number;
  /** ISO 3166-1 alpha-2 of the country whose law covers the person. */
  readonly residency: string | null;
}

const state = Symbol('subject state');

/** Marks a row with the state of the person it is about. Rows without a mark are withheld. */
export function about<T extends object>(row: T, subject: SubjectState): T {
  (row as { [state]?: SubjectState })[state] = subject;
  return row;
}

export function stateOf(row: unknown): SubjectState | undefined {
  return typeof row === 'object' && row !== null ? (row as { [state]?: SubjectState })[state] : undefined;
}

/** No restriction, no objection, no known residency. */
export const unrestricted: SubjectState = { restriction: null, objections: 0, residency: null };
