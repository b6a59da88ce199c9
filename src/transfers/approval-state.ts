import { covers, nextChangeOf, type Validity } from '../law/validity';

/** The states of an approval. Only ACTIVE approvals carry data (docs/design.md, point 7 of a decision). */
export const transferStates = {
  REQUESTED: 'Asked for; not everyone who has to decide has decided.',
  APPROVED: 'Approved; its validity has not begun.',
  REJECTED: 'Refused.',
  ACTIVE: 'In force: it carries data now.',
  SUSPENDED: 'Stopped for the time being, by an officer or with its legal basis.',
  EXPIRED: 'Its validity has ended.',
  REVOKED: 'Ended for good.',
} as const;
export type TransferState = keyof typeof transferStates;

export const transferActions = {
  REQUESTED: 'Asked for.',
  APPROVED: 'Approved by one of those who decide.',
  REJECTED: 'Refused.',
  SUSPENDED: 'Stopped for the time being.',
  RESUMED: 'Put in force again.',
  REVOKED: 'Ended for good.',
  BEGAN: 'Its validity began.',
  EXPIRED: 'Its validity ended.',
  BASIS_SUSPENDED: 'Its legal basis was suspended for the whole platform.',
  BASIS_REINSTATED: 'Its legal basis counts again.',
} as const;
export type TransferAction = keyof typeof transferActions;
/** What officers do. The other actions happen by the passing of time. */
export type OfficerAction = 'REQUESTED' | 'APPROVED' | 'REJECTED' | 'SUSPENDED' | 'RESUMED' | 'REVOKED';
export type Side = 'CLIENT' | 'PLATFORM';

/** One act of an officer on an approval. Acts are appended and never changed. */
export interface TransferEvent {
  readonly sequence: number;
  readonly action: OfficerAction;
  readonly side: Side;
  readonly principal: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A period in which the whole legal basis of the approval is suspended. */
export interface BasisSuspension extends Validity {
  readonly by: string;
  readonly reason: string;
}

export interface HistoryEntry {
  readonly at: number;
  readonly action: TransferAction;
  readonly state: TransferState;
  /** null where no officer acted: a period began or ended. */
  readonly principal: string | null;
  readonly reason: string;
}

export interface Course {
  readonly validFrom: number;
  readonly validUntil: number | null;
  readonly events: readonly TransferEvent[];
  /** The sides that must all approve. */
  readonly deciders: readonly Side[];
  readonly suspensions: readonly BasisSuspension[];
}

/** The state that officers' acts give up to a moment, without dates and legal basis. Undefined before the request. */
function decidedAt(
  { events, deciders }: Pick<Course, 'events' | 'deciders'>,
  at: number,
): Exclude<TransferState, 'ACTIVE' | 'EXPIRED'> | undefined {
  let state: Exclude<TransferState, 'ACTIVE' | 'EXPIRED'> | undefined;
  const approving = new Set<Side>();
  for (const { action, side, at: when } of events) {
    if (when > at) break;
    if (action === 'APPROVED') {
      approving.add(side);
      if (deciders.every((decider) => approving.has(decider))) state = 'APPROVED';
    } else {
      state = action === 'RESUMED' ? 'APPROVED' : action;
    }
  }
  return state;
}

/** When acts end an approval for good; null where none does. */
export const endedAt = (acts: readonly TransferEvent[]): number | null =>
  acts.find(({ action }) => action === 'REJECTED' || action === 'REVOKED')?.at ?? null;

/**
 * The state that all acts of officers give, in the order of their numbers. The clock that stamped an act may be ahead
 * of the reader's: an act counts once it is there.
 */
export const decided = (course: Pick<Course, 'events' | 'deciders'>) => decidedAt(course, Number.POSITIVE_INFINITY);

/** The state that counts for what is done at a moment: by all acts, and by the dates and the legal basis of then. */
export const stateAt = (course: Course, at: number): TransferState =>
  stateOf(course, decided(course), at) ?? 'REQUESTED';

function stateOf(
  course: Course,
  acted: Exclude<TransferState, 'ACTIVE' | 'EXPIRED'> | undefined,
  at: number,
): TransferState | undefined {
  if (acted === undefined || acted === 'REJECTED' || acted === 'REVOKED') return acted;
  if (course.validUntil !== null && course.validUntil <= at) return 'EXPIRED';
  if (acted !== 'APPROVED') return acted;
  if (course.suspensions.some((suspension) => covers(suspension, at))) return 'SUSPENDED';
  return course.validFrom <= at ? 'ACTIVE' : 'APPROVED';
}

/** The state as it was at a moment. Undefined before the request. */
export const pastState = (course: Course, at: number): TransferState | undefined =>
  stateOf(course, decidedAt(course, at), at);

/** The next moment at which time alone changes the state; Infinity where none does. An officer's act counts at once. */
export const nextMomentOf = ({ validFrom, validUntil, suspensions }: Course, at: number): number =>
  nextChangeOf([{ from: validFrom, to: validUntil }, ...suspensions], at);

/** The history up to a moment, oldest first: acts of officers and changes that came by time. */
export function historyOf(course: Course, now: number): HistoryEntry[] {
  const acts = course.events.map(({ at, action, principal, reason }) => ({ at, action, principal, reason }));
  const byTime: Array<Omit<HistoryEntry, 'state'>> = [
    { at: course.validFrom, action: 'BEGAN', principal: null, reason: 'the validity that was approved began' },
    ...(course.validUntil === null
      ? []
      : [{ at: course.validUntil, action: 'EXPIRED' as const, principal: null, reason: 'the validity ended' }]),
  ];
  const byBasis = course.suspensions.flatMap(({ from, to, by, reason }) => [
    { at: from, action: 'BASIS_SUSPENDED' as const, principal: by, reason },
    ...(to === null ? [] : [{ at: to, action: 'BASIS_REINSTATED' as const, principal: by, reason }]),
  ]);
  // A change by time is listed only where it changed the state: a rejected request neither begins nor expires.
  const felt = [...byTime, ...byBasis].filter(
    ({ at, action }) =>
      at <= now &&
      (action === 'EXPIRED' || decidedAt(course, at - 1) === 'APPROVED') &&
      pastState(course, at - 1) !== pastState(course, at),
  );
  return [...acts, ...felt]
    .sort((a, b) => a.at - b.at)
    .map((entry) => ({ ...entry, state: pastState(course, entry.at) ?? 'REQUESTED' }));
}

/** What an officer may do in each state. Anything else is a conflict. */
export const permittedIn: Readonly<Record<TransferState, readonly OfficerAction[]>> = {
  REQUESTED: ['APPROVED', 'REJECTED', 'REVOKED'],
  APPROVED: ['SUSPENDED', 'REVOKED'],
  ACTIVE: ['SUSPENDED', 'REVOKED'],
  SUSPENDED: ['RESUMED', 'REVOKED'],
  REJECTED: [],
  EXPIRED: [],
  REVOKED: [],
};
