import { isDataBehind } from '../../audit/verification/data-behind';
import { type Check, fault, ok } from './finding';

/** Whether a backup of the data was restored, and the restore not finished. */
export const backups: Check = {
  name: 'backups',
  look: async ({ regions, keysSource }) =>
    (await isDataBehind(regions, keysSource))
      ? [
          fault(
            "the data is older than the keys' store knows: a backup was restored, or entries of the ledger are gone",
            'finish the restore: remit erasures replay, then remit audit verify (docs/restore.md)',
          ),
        ]
      : [ok("the data is not older than the keys' store")],
};
