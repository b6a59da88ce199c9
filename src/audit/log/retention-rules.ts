interface EntryRetention {
  readonly years: number;
  readonly because: string;
}

/** Retention by kind of entry. */
const entryRetention: Readonly<Record<string, EntryRetention>> = {
  ACCESS: { years: 6, because: '45 CFR 164.316(b)(2)(i), 164.528(a): six years of accountings of disclosures' },
  SIGN_IN_FAILED: { years: 1, because: 'it serves to notice attacks (statement G3)' },
};

/** Changes to governance are evidence of what was allowed when, for as long as claims may be brought. */
const changeRetention: EntryRetention = {
  years: 10,
  because: 'evidence of instructions (GDPR Art. 28(3)(a), 5(2))',
};

/**
 * Whether an entry of this kind may be pruned.
 * @param at when it was written, milliseconds since 1970
 */
export function mayBePruned(kind: string, at: number, now: number): boolean {
  const { years } = entryRetention[kind] ?? changeRetention;
  const end = new Date(at);
  end.setUTCFullYear(end.getUTCFullYear() + years);
  return end.getTime() <= now;
}
