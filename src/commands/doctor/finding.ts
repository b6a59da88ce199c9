import type { Patient } from './patient';

/** `attention`: it works, and somebody should look. `fault`: something promised does not hold, or will not for long. */
export type Verdict = 'ok' | 'attention' | 'fault';

export interface Finding {
  readonly verdict: Verdict;
  /** What was found, without secrets and without anything about a person. */
  readonly says: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** One thing that the doctor looks at. It changes nothing. */
export interface Check {
  readonly name: string;
  /** @throws {NotAtHand} where it needs a store that cannot be reached */
  look(patient: Patient): Promise<readonly Finding[]> | readonly Finding[];
}

export const ok = (says: string): Finding => ({ verdict: 'ok', says });
export const attention = (says: string, remedy: string): Finding => ({ verdict: 'attention', says, remedy });
export const fault = (says: string, remedy: string): Finding => ({ verdict: 'fault', says, remedy });

/** The findings, or one that says that all is well. */
export const orWell = (findings: readonly Finding[], well: string): readonly Finding[] =>
  findings.length > 0 ? findings : [ok(well)];
