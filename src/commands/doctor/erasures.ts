import { lateEpochSince, NEAR_DAYS, openErasures } from '../../erasure/requests/open-erasures';
import { counted } from '../counted';
import { attention, type Check, fault, ok } from './finding';

/** Whether erasures are done in their terms. */
export const erasures: Check = {
  name: 'erasures',
  look: async ({ regions, config }) => {
    const found = await openErasures(regions);
    const { byStatus, dueSoon, overdue, stuck } = found;
    const lateSince = lateEpochSince(found, config.epoch);
    const open = [...byStatus.values()].reduce((sum, n) => sum + n, 0);
    const awaiting = byStatus.get('AWAITING_EPOCH') ?? 0;
    return [
      ok(`${counted(open, 'erasure')} open`),
      ...(awaiting > 0 ? [ok(`${counted(awaiting, 'erasure')} final with the end of an epoch of the keys`)] : []),
      ...(overdue > 0
        ? [fault(`${counted(overdue, 'erasure')} overdue`, 'remit erasures list; tell the privacy officer')]
        : []),
      ...(lateSince === undefined
        ? []
        : [
            attention(
              `erasures await the end of an epoch of keys since ${new Date(lateSince).toISOString()}`,
              'remit keys turn; it says what keeps the epoch from ending',
            ),
          ]),
      ...(stuck > 0
        ? [
            attention(
              `${counted(stuck, 'erasure')} not carried out though it is time`,
              'does a server run? remit erasures list --status ATTENTION_REQUIRED',
            ),
          ]
        : []),
      ...(dueSoon > overdue
        ? [
            attention(
              `${counted(dueSoon - overdue, 'erasure')} due within ${NEAR_DAYS} days`,
              'remit erasures list --due-before DAY',
            ),
          ]
        : []),
    ];
  },
};
