import type { Access, RowRefusal } from '../governance/govern';
import { exemptPurposes, isPurpose } from '../governance/vocabulary';
import { objectionBit } from './objections';
import type { TransferCheck } from './recipient';

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

/** One object for all rows, since refusals are counted by it. */
const objection: RowRefusal = { code: 'PROCESSING_RESTRICTED', rule: 'GDPR Art. 21' };

/**
 * The row rule for a purpose. A restricted person is read for legal claims and duties only (GDPR Art. 18(2)). One who
 * objects is not read for that purpose (Art. 21). Nobody is read without a lawful basis for the transfer (Art. 44).
 */
export function rowRule(purpose: string | undefined, transfer: TransferCheck): NonNullable<Access['row']> {
  const objected = isPurpose(purpose) ? objectionBit(purpose) : 0;
  const exempt = exemptPurposes.some((name) => name === purpose);
  return (row, _coordinate, category) => {
    const subject = stateOf(row);
    if (subject === undefined) return 'PROCESSING_RESTRICTED';
    if (subject.restriction !== null && !exempt) return 'PROCESSING_RESTRICTED';
    if ((subject.objections & objected) !== 0) return objection;
    return transfer(subject, category);
  };
}
