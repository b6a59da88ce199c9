import type { Access } from '../governance/govern';
import type { TransferCheck } from './recipient';

/** What of a data subject's state decides on the rows about them (points 6 and 7 of a decision). */
export interface SubjectState {
  /** The person's id, which the audit ledger refers to. */
  readonly subject?: string;
  /** Set while processing is restricted, objected to, or the person is under erasure. */
  readonly restriction: string | null;
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

/** Nothing limits what may be read of this person. */
export const unrestricted: SubjectState = { restriction: null, residency: null };

/**
 * The row rule for a purpose: a restricted person is read for legal claims and duties only (GDPR Art. 18(2)), and nobody
 * where no lawful basis carries the data to the caller (Art. 44).
 */
export function rowRule(purpose: string | undefined, transfer: TransferCheck): NonNullable<Access['row']> {
  return (row, _coordinate, category) => {
    const subject = stateOf(row);
    if (subject === undefined) return 'PROCESSING_RESTRICTED';
    if (subject.restriction !== null && purpose !== 'LEGAL') return 'PROCESSING_RESTRICTED';
    return transfer(subject, category);
  };
}
