import type { Retained } from '../records/certificate';
import type { PlannedPass } from '../records/erasure-records';
import { type ErasureRequestState, isFinal } from '../requests/request-state';
import type { Step } from './steps';

/** Where an erasure stands, read at once in the transaction of its next step. Times are milliseconds since 1970. */
export interface ErasureState {
  readonly now: number;
  /** Undefined where there is no such request any more. */
  readonly request: Pick<ErasureRequestState, 'kind' | 'status' | 'pass' | 'notBefore' | 'customerId'> | undefined;
  /** Until when the end of a client waits for its export to be collected; null where it waits for none. */
  readonly awaits: number | null;
  /** What legal holds and claims keep now, of what was asked for. */
  readonly retained: readonly Retained[];
  /** Whether they keep all of it. */
  readonly keepsAll: boolean;
  /** When the first of them ends by itself; null where none does. */
  readonly keptUntil: number | null;
  /** What the record says that the request's pass does; undefined before it is planned. */
  readonly plan: Pick<PlannedPass, 'retained'> | undefined;
  /** The steps of the request's pass. */
  readonly steps: readonly Step[];
  /** Tables that got rows after they were done. Only looked for once no step on rows or copies is open. */
  readonly late: readonly string[];
  /** Whether the certificate of just this state is written. */
  readonly isCertified: boolean;
}

/** What comes next. FINISH, PARK, HOLD, CLOSE and CONCLUDE end this process's work on the erasure; the others go on. */
export type NextStep =
  /** Nothing is left to do. */
  | { readonly do: 'FINISH' }
  /** It is too early. */
  | { readonly do: 'PARK'; readonly until: number }
  /** Everything that was asked for is kept. */
  | { readonly do: 'HOLD'; readonly status: 'ON_HOLD' | 'PARTIALLY_COMPLETED'; readonly until: number | null }
  /** Another request has erased the person meanwhile. */
  | { readonly do: 'CLOSE' }
  /** Begins a pass, or goes on to plan one: the record is told first. */
  | { readonly do: 'PLAN'; readonly pass: number }
  /** Other categories are kept than the pass was planned for: the rest is planned anew. */
  | { readonly do: 'ABANDON'; readonly pass: number }
  /** Changes as many rows as one transaction may. */
  | { readonly do: 'ERASE'; readonly steps: readonly Step[] }
  /** Removes copies that are in no table. */
  | { readonly do: 'PURGE'; readonly step: Step }
  /** Rows came in late: their tables are gone through again, and the keys after them. */
  | { readonly do: 'REOPEN'; readonly stores: readonly string[] }
  | { readonly do: 'DESTROY_KEY'; readonly step: Step }
  | { readonly do: 'CERTIFY'; readonly retained: readonly Retained[] }
  /** Ends the pass; where something is kept, the request is looked at again then. */
  | { readonly do: 'CONCLUDE'; readonly isComplete: boolean; readonly again: number | null };

/**
 * The state machine of erasures, for a person and for the end of a client alike: what an erasure that stands so does
 * next. It reads nothing but its argument. Whoever goes on after a crash decides from the same rows, and comes to the
 * same end.
 */
export function decide(state: ErasureState): NextStep {
  const { request, now, awaits, plan, steps, late } = state;
  if (!request || isFinal(request.status)) return { do: 'FINISH' };
  if (request.pass === 0) {
    const until = Math.max(request.notBefore ?? 0, awaits ?? 0);
    if (until > now) return { do: 'PARK', until };
  }
  if (request.kind === 'CUSTOMER' && request.customerId === null) return { do: 'CLOSE' };

  const pending = steps.filter(({ status }) => status === 'PENDING');
  const isUnderWay = request.pass > 0 && (request.status === 'IN_PROGRESS' || request.status === 'ATTENTION_REQUIRED');
  const isPlanned = isUnderWay && steps.length > 0;
  const isAsPlanned = plan !== undefined && keptKey(plan.retained) === keptKey(state.retained);
  // A hold that comes when everything is done comes too late.
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
  if (!state.isCertified) return { do: 'CERTIFY', retained: isAsPlanned ? state.retained : plan.retained };
  const again = isAsPlanned ? state.keptUntil : now;
  return { do: 'CONCLUDE', isComplete: plan.retained.length === 0, again };
}

/** The categories that are kept, as one text: two plans that keep the same are the same. */
export const keptKey = (retained: readonly Retained[]): string =>
  retained
    .map(({ category }) => category)
    .sort()
    .join();
