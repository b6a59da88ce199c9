/** Fewer random cases, and always the same, for each of some hundred mutants. */
process.env.PROPERTY_RUNS ??= '60';
process.env.PROPERTY_SEED ??= '20261123';

export {};
