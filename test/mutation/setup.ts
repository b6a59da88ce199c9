/** Fewer random cases, and always the same, for each of some hundred mutants; and graphql as fast as in production. */
process.env.PROPERTY_RUNS ??= '40';
process.env.PROPERTY_SEED ??= '20261123';
process.env.NODE_ENV = 'production';

export {};
