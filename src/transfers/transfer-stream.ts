import { setTimeout as sleep } from 'node:timers/promises';
import { policyVersions } from '../identity/policy-version';
import type { Regions } from '../storage/regions';
import type { TransferApproval } from './transfer-approval';

/** How often a subscription polls, in milliseconds. Changes on other replicas arrive within this time. */
const INTERVAL_MS = 500;
/** How often the list is read anew even without an act, since approvals begin and expire by date. */
const REREAD_MS = 5_000;

/**
 * The changes of a client's approvals, on any replica and for any cause: an officer's act, a date, a suspended basis.
 * Changes are relative to the first reading.
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
