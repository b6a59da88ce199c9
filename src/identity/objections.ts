import { allPurposes, type ProcessingPurpose } from '../governance/vocabulary';

/*
 * A person's objections as one number, a bit for each purpose: they are tested for every row that is read. The bits are
 * kept in the database, so a purpose's bit never changes: one that is added to the vocabulary stands last there.
 */
const bits = Object.fromEntries(allPurposes.map((purpose, place) => [purpose, 1 << place])) as Readonly<
  Record<ProcessingPurpose, number>
>;

export const objectionBit = (purpose: ProcessingPurpose): number => bits[purpose];

export const objectionBits = (purposes: Iterable<ProcessingPurpose>): number => {
  let mask = 0;
  for (const purpose of purposes) mask |= bits[purpose];
  return mask;
};

/** The purposes that a person objects to, in the order of the vocabulary. */
export const objectedPurposes = (mask: number): ProcessingPurpose[] =>
  allPurposes.filter((purpose) => (mask & bits[purpose]) !== 0);
