import autocannon from 'autocannon';
import type { ServerProcess } from './server-process';

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Measurement {
  readonly throughput: number;
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of the server's processor time for one request. */
  readonly cpuPerRequest: number;
}

/**
 * Loads one server for a while.
 * @param expected how a right answer begins; one that does not is an error, and errors end the benchmark
 */
export async function load(
  server: ServerProcess,
  request: Request,
  expected: string,
  connections: number,
  seconds: number,
): Promise<Measurement> {
  const before = server.cpuSeconds();
  const result = await autocannon({
    url: server.url + request.path,
    method: request.method,
    headers: { ...request.headers },
    ...(request.body === undefined ? {} : { body: request.body }),
    connections,
    duration: seconds,
    verifyBody: (body: unknown) => String(body).startsWith(expected),
  } as autocannon.Options);
  const wrong = result.errors + result.timeouts + result.non2xx + ((result as { mismatches?: number }).mismatches ?? 0);
  if (wrong > 0) throw new Error(`${server.name}: ${wrong} wrong answers to ${request.path}`);
  const total = result.requests.total;
  return {
    throughput: total / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuPerRequest: ((server.cpuSeconds() - before) / total) * 1e6,
  };
}

/** One answer, for comparison. */
export async function ask(server: ServerProcess, request: Request): Promise<{ data?: unknown; errors?: unknown }> {
  const response = await fetch(server.url + request.path, {
    method: request.method,
    headers: { ...request.headers },
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  return (await response.json()) as { data?: unknown; errors?: unknown };
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};

/** A ratio as its median and its extremes over the rounds. */
export function spread(values: readonly number[]): { median: number; min: number; max: number } {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}
