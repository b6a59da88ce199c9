import type { Vouched } from './receipts';

/** Anchors of one kind on one log. */
export interface AnchorReport {
  readonly by: string;
  readonly how: string;
  readonly verified: boolean;
  readonly receipts: number;
  /** How many entries the furthest of them covers. */
  readonly reaches: number;
  /** When that one was given, ISO 8601; null where it does not say. */
  readonly last: string | null;
}

/** Counts equal anchors: a log anchored once a minute has half a million a year. */
export class AnchorTally {
  readonly #reports = new Map<string, AnchorReport>();

  add({ by, how, verified, at }: Vouched, reaches: number, receipts = 1): void {
    const key = `${by}\n${how}`;
    const known = this.#reports.get(key);
    const last = at?.toISOString() ?? null;
    if (!known) this.#reports.set(key, { by, how, verified, receipts, reaches, last });
    else {
      const furthest = reaches >= known.reaches ? { reaches, last } : {};
      this.#reports.set(key, { ...known, ...furthest, receipts: known.receipts + receipts });
    }
  }

  /** Furthest first. */
  all(): AnchorReport[] {
    return [...this.#reports.values()].sort((a, b) => b.reaches - a.reaches || (a.by < b.by ? -1 : 1));
  }
}
