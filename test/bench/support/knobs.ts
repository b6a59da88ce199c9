/** What a run can be told by its environment; each set has its own defaults. */
function number(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} must be a number above 0`);
  return value;
}

export const customers = (otherwise = 2_000): number => number('BENCH_CUSTOMERS', otherwise);
/** Interleaved rounds: in each, every server has its turn. */
export const rounds = (otherwise = 5): number => number('BENCH_ROUNDS', otherwise);
/** Length of one turn. */
export const seconds = (otherwise = 2): number => number('BENCH_SECONDS', otherwise);
/** How long each server is loaded with each work before anything counts: code is compiled as it runs. */
export const warmUp = (): number => number('BENCH_WARM_UP', 2);
/** Rows of a file that is imported. */
export const rows = (): number => number('BENCH_ROWS', 100_000);
export const soakSeconds = (otherwise = 600): number => number('BENCH_SOAK_SECONDS', otherwise);

const list = (name: string, otherwise: string): number[] => (process.env[name] ?? otherwise).split(',').map(Number);

export const connectionCounts = (): number[] => list('BENCH_CONNECTIONS', '1,16,64');
/** How many subscriptions are open at once. */
export const subscriptionCounts = (): number[] => list('BENCH_SUBSCRIPTIONS', '300,1000,5000');
export const growthSizes = (): number[] => list('BENCH_GROWTH', '10000,100000,1000000');
