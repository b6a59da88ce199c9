/** Where an approval stands (blueprint section 3 point 7). */
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
/** What officers do; the rest comes with time. */
export type OfficerAction = 'REQUESTED' | 'APPROVED' | 'REJECTED' | 'SUSPENDED' | 'RESUMED' | 'REVOKED';
export type Side = 'CLIENT' | 'PLATFORM';

/** One act on an approval; acts are added and never changed. */
export interface TransferEvent {
  readonly sequence: number;
  readonly action: OfficerAction;
  readonly side: Side;
  readonly principal: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Validity {
  readonly validFrom: number;
  readonly validUntil: number | null;
}

/** A time in which the approval's legal basis is suspended as a whole. */
export interface BasisSuspension {
  readonly from: number;
  readonly to: number | null;
  readonly by: string;
  readonly reason: string;
}

export interface HistoryEntry {
  readonly at: number;
  readonly action: TransferAction;
  readonly state: TransferState;
  /** null where nobody acted but time did. */
  readonly principal: string | null;
  readonly reason: string;
}

export interface Course extends Validity {
  readonly events: readonly TransferEvent[];
  /** Sides that all have to approve. */
  readonly deciders: readonly Side[];
  readonly suspensions: readonly BasisSuspension[];
}

/** What officers made of it up to a moment, its dates and its legal basis aside; undefined before it was asked for. */
export function decidedAt(
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

/** The state at a moment, past or future; undefined before it was asked for. */
export function stateAt(course: Course, at: number): TransferState | undefined {
  const decided = decidedAt(course, at);
  if (decided === undefined || decided === 'REJECTED' || decided === 'REVOKED') return decided;
  if (course.validUntil !== null && course.validUntil <= at) return 'EXPIRED';
  if (decided !== 'APPROVED') return decided;
  if (course.suspensions.some(({ from, to }) => from <= at && (to === null || at < to))) return 'SUSPENDED';
  return course.validFrom <= at ? 'ACTIVE' : 'APPROVED';
}

/** Everything that happened up to a moment, oldest first, what came with time included. */
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
  // What comes with time is told where it changed something: a rejected request neither begins nor expires.
  const felt = [...byTime, ...byBasis].filter(
    ({ at, action }) =>
      (action === 'EXPIRED' || decidedAt(course, at - 1) === 'APPROVED') &&
      stateAt(course, at - 1) !== stateAt(course, at),
  );
  return [...acts, ...felt]
    .filter(({ at }) => at <= now)
    .sort((a, b) => a.at - b.at)
    .map((entry) => ({ ...entry, state: stateAt(course, entry.at) ?? 'REQUESTED' }));
}

/** What an officer may do in a state; anything else conflicts. */
export const permittedIn: Readonly<Record<TransferState, readonly OfficerAction[]>> = {
  REQUESTED: ['APPROVED', 'REJECTED', 'REVOKED'],
  APPROVED: ['SUSPENDED', 'REVOKED'],
  ACTIVE: ['SUSPENDED', 'REVOKED'],
  SUSPENDED: ['RESUMED', 'REVOKED'],
  REJECTED: [],
  EXPIRED: [],
  REVOKED: [],
};
