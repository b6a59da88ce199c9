/** What a run can be told by its environment; each set has its own defaults. */
function number(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} must be a number above 0`);
  return value;
}

export const customers = (otherwise = 2_000): number => number('BENCH_CUSTOMERS', otherwise);
/** Interleaved rounds: in each, every server has its turn. */
export const rounds = (otherwise = 7): number => number('BENCH_ROUNDS', otherwise);
/** Length of one turn. */
export const seconds = (otherwise = 1): number => number('BENCH_SECONDS', otherwise);
/** The longest that a server is loaded with a work before anything counts, in seconds. */
export const warmUp = (otherwise = 2): number => number('BENCH_WARM_UP', otherwise);
/** Code is compiled by how often it ran, not by how long: with so many requests a server is warm. */
export const warmUpRequests = (): number => number('BENCH_WARM_UP_REQUESTS', 5_000);
/** Rows of a file that is imported. */
export const rows = (): number => number('BENCH_ROWS', 100_000);
export const soakSeconds = (otherwise = 600): number => number('BENCH_SOAK_SECONDS', otherwise);

const list = (name: string, otherwise: string): number[] => (process.env[name] ?? otherwise).split(',').map(Number);

/** Ratios are stated at 16 connections. */
export const connectionCounts = (): number[] => list('BENCH_CONNECTIONS', '16');
/** The servers beside which Remit is measured. */
export const peers = (): string[] =>
  (process.env.BENCH_PEERS ?? 'floor,mercurius-jit,yoga,apollo,graphql-shield').split(',');
/** How many subscriptions are open at once. */
export const subscriptionCounts = (): number[] => list('BENCH_SUBSCRIPTIONS', '300,1000,5000');
export const growthSizes = (): number[] => list('BENCH_GROWTH', '10000,100000,1000000');
