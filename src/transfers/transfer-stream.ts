import { setTimeout as sleep } from 'node:timers/promises';
import { policyVersions } from '../identity/policy-version';
import type { Regions } from '../storage/regions';
import type { TransferApproval } from './transfer-approval';

/** How often a subscription looks: a change on another replica is told within this many milliseconds. */
const INTERVAL_MS = 500;
/** Approvals begin and expire without anybody's act, so the list is read anew this often in any case. */
const REREAD_MS = 5_000;

/**
 * A client's approvals as they change, on whichever replica and by whichever cause: an officer, the calendar, a
 * suspended basis. The first reading is what changes are told from.
 */
export async function* transferChanges(
  regions: Regions,
  client: string,
  read: () => Promise<readonly TransferApproval[]>,
): AsyncGenerator<TransferApproval, void, void> {
  const told = new Map<string, string>();
  let version: string | undefined;
  let readAt = 0;
  for (let first = true; ; first = false) {
    const current = JSON.stringify(await policyVersions(regions, client));
    if (current !== version || Date.now() - readAt >= REREAD_MS) {
      version = current;
      readAt = Date.now();
      for (const approval of await read()) {
        const mark = `${approval.state} ${approval.history.length}`;
        const isNews = told.get(approval.id) !== mark;
        told.set(approval.id, mark);
        if (isNews && !first) yield approval;
      }
    }
    await sleep(INTERVAL_MS, undefined, { ref: false });
  }
}
