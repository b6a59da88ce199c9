import type { Access, RowRefusal } from '../governance/govern';
import { exemptPurposes, isPurpose } from '../governance/vocabulary';
import { objectionBit } from './objections';
import type { TransferCheck } from './recipient';
import { stateOf } from './subject-state';

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
