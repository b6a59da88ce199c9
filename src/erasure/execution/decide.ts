import type { Retained } from '../records/certificate';
import type { PlannedPass } from '../records/erasure-records';
import type { ErasureStatus } from '../requests/erasure-request';
import { type ErasureRequestState, isFinal } from '../requests/request-state';
import type { Step } from './steps';

/** The state of an erasure, read in the transaction of its next step. Times are milliseconds since 1970. */
export interface ErasureState {
  readonly now: number;
  /** Undefined when the request no longer exists. */
  readonly request:
    | Pick<ErasureRequestState, 'kind' | 'status' | 'pass' | 'notBefore' | 'customerId' | 'keyEpoch'>
    | undefined;
  /** Until when the end of a client waits for its export to be collected; null when it does not wait. */
  readonly awaits: number | null;
  /** What legal holds and claims keep at the moment, within the scope of the request. */
  readonly retained: readonly Retained[];
  /** Whether they keep everything in that scope. */
  readonly keepsAll: boolean;
  /** When the first of them ends by itself; null when none does. */
  readonly keptUntil: number | null;
  /** The recorded plan of the current pass; undefined before there is one. */
  readonly plan: Pick<PlannedPass, 'retained'> | undefined;
  /** The steps of the current pass. */
  readonly steps: readonly Step[];
  /**
   * Tables that got rows after their step was done. They are looked for only when no step on rows or copies is pending.
   */
  readonly late: readonly string[];
  /** When to ask again whether the deleted keys are gone for good; null when they are, or none was deleted. */
  readonly epochUntil: number | null;
  /** Whether the certificate for exactly this state has been written. */
  readonly isCertified: boolean;
}

/**
 * The next step. After FINISH, PARK, HOLD, CLOSE, AWAIT_EPOCH and CONCLUDE the process stops working on the erasure.
 */
export type NextStep =
  /** The job is done. */
  | { readonly do: 'FINISH' }
  /** It is too early: wait. */
  | { readonly do: 'PARK'; readonly until: number }
  /** Holds keep everything in the scope: wait. */
  | { readonly do: 'HOLD'; readonly status: 'ON_HOLD' | 'PARTIALLY_COMPLETED'; readonly until: number | null }
  /** Another request has already erased the person. */
  | { readonly do: 'CLOSE' }
  /** Begins a pass: writes its plan into the record. */
  | { readonly do: 'PLAN'; readonly pass: number }
  /** Ends the pass because other categories are kept than it was planned for. The rest is planned again. */
  | { readonly do: 'ABANDON'; readonly pass: number }
  /** Erases as many rows as fit into one transaction. */
  | { readonly do: 'ERASE'; readonly steps: readonly Step[] }
  /** Removes copies outside the tables. */
  | { readonly do: 'PURGE'; readonly step: Step }
  /** Repeats the steps of tables that got rows late, and then those of the keys. */
  | { readonly do: 'REOPEN'; readonly stores: readonly string[] }
  | { readonly do: 'DESTROY_KEY'; readonly step: Step }
  /** All is done, but a log or a backup of the keys' store can bring the keys back until their epoch has ended. */
  | { readonly do: 'AWAIT_EPOCH'; readonly until: number }
  | { readonly do: 'CERTIFY'; readonly retained: readonly Retained[] }
  /** Ends the pass. When something is kept, the request is looked at again at `again`. */
  | { readonly do: 'CONCLUDE'; readonly isComplete: boolean; readonly again: number | null };

/**
 * The state machine of erasures, for a person and for the end of a client. It is a pure function: a process that
 * continues after a crash decides from the same rows and reaches the same end.
 */
export function decide(state: ErasureState): NextStep {
  const { request, now, awaits, plan, steps, late } = state;
  if (!request || isFinal(request.status)) return { do: 'FINISH' };
  if (request.pass === 0) {
    const until = Math.max(request.notBefore ?? 0, awaits ?? 0);
    if (until > now) return { do: 'PARK', until };
  }
  // While it awaits the end of an epoch, it has forgotten whom it was about.
  const isForgotten = request.kind === 'CUSTOMER' && request.customerId === null;
  if (isForgotten && request.keyEpoch === null) return { do: 'CLOSE' };

  const pending = steps.filter(({ status }) => status === 'PENDING');
  const isUnderWay = request.pass > 0 && isUnderWayAs(request.status);
  const isPlanned = isUnderWay && steps.length > 0;
  const isAsPlanned = plan !== undefined && keptKey(plan.retained) === keptKey(state.retained);
  // A hold that is placed when everything is done is too late.
  const isDone = isPlanned && plan !== undefined && pending.length === 0;
  if (isPlanned && !isAsPlanned && !isDone) return { do: 'ABANDON', pass: request.pass + 1 };
  if (state.keepsAll && !isDone) {
    const status = request.pass === 0 ? 'ON_HOLD' : 'PARTIALLY_COMPLETED';
    return { do: 'HOLD', status, until: state.keptUntil };
  }
  if (!isPlanned || plan === undefined) return { do: 'PLAN', pass: isUnderWay ? request.pass : request.pass + 1 };

  const open = pending.filter(({ action }) => action !== 'DESTROY_KEY');
  const copies = open.findIndex(({ action }) => action === 'PURGE');
  if (open[0]?.action === 'PURGE') return { do: 'PURGE', step: open[0] };
  if (open.length > 0) return { do: 'ERASE', steps: copies < 0 ? open : open.slice(0, copies) };
  if (late.length > 0) return { do: 'REOPEN', stores: late };
  const [key] = pending;
  if (key) return { do: 'DESTROY_KEY', step: key };
  if (state.epochUntil !== null) return { do: 'AWAIT_EPOCH', until: state.epochUntil };
  if (!state.isCertified) return { do: 'CERTIFY', retained: isAsPlanned ? state.retained : plan.retained };
  const again = isAsPlanned ? state.keptUntil : now;
  return { do: 'CONCLUDE', isComplete: plan.retained.length === 0, again };
}

const isUnderWayAs = (status: ErasureStatus): boolean =>
  status === 'IN_PROGRESS' || status === 'AWAITING_EPOCH' || status === 'ATTENTION_REQUIRED';

/** The kept categories as one text, to compare plans by. */
export const keptKey = (retained: readonly Retained[]): string =>
  retained
    .map(({ category }) => category)
    .sort()
    .join();
