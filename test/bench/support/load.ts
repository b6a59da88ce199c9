import autocannon from 'autocannon';
import { warmUp, warmUpRequests } from './knobs';
import type { ServerProcess } from './server-process';

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request, and how a right answer to it begins. */
export interface Asked {
  readonly request: Request;
  /** An answer that begins otherwise is an error, and errors end the benchmark. */
  readonly expected: string;
  /** The body of one request after another, where each is to be new; answers are the same. */
  readonly nextBody?: () => string;
}

export interface Measurement {
  readonly requests: number;
  readonly throughput: number;
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of the server's processor time for one request. */
  readonly cpuPerRequest: number;
}

/** Loads one server with one request for a while. @param expected how a right answer begins */
export function load(
  server: ServerProcess,
  request: Request,
  expected: string,
  connections: number,
  seconds: number,
): Promise<Measurement> {
  return loadWith(server, [{ request, expected }], connections, seconds);
}

/** Loads one server for a while; each connection sends the requests in turn. */
export async function loadWith(
  server: ServerProcess,
  asked: readonly Asked[],
  connections: number,
  seconds: number,
): Promise<Measurement> {
  let wrong = 0;
  const requests = asked.map(({ request, expected, nextBody }) => ({
    ...request,
    headers: { ...request.headers },
    ...(nextBody ? { setupRequest: (next: object) => ({ ...next, body: nextBody() }) } : {}),
    onResponse: (_status: number, body: unknown) => {
      if (!String(body).startsWith(expected)) wrong++;
    },
  }));
  const before = server.cpuSeconds();
  const result = await autocannon({
    url: server.url,
    connections,
    duration: seconds,
    requests,
  } as unknown as autocannon.Options);
  wrong += result.errors + result.timeouts + result.non2xx;
  if (wrong > 0) throw new Error(`${server.name}: ${wrong} wrong answers to ${asked[0]?.request.path}`);
  const total = result.requests.total;
  if (total === 0) throw new Error(`${server.name} answered nothing in ${seconds} s`);
  return {
    requests: total,
    throughput: total / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuPerRequest: ((server.cpuSeconds() - before) / total) * 1e6,
  };
}

/** Loads a server until its code is compiled, or the time for that is up. */
export async function warm(server: ServerProcess, asked: readonly Asked[], connections: number): Promise<void> {
  const end = performance.now() + warmUp(8) * 1_000;
  for (let sent = 0; sent < warmUpRequests() && performance.now() < end; ) {
    sent += (await loadWith(server, asked, connections, 1)).requests;
  }
}

/** One answer, for comparison. */
export async function ask(
  server: Pick<ServerProcess, 'url'>,
  request: Request,
): Promise<{ data?: unknown; errors?: unknown; extensions?: unknown }> {
  const response = await fetch(server.url + request.path, {
    method: request.method,
    headers: { ...request.headers },
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  return (await response.json()) as { data?: unknown; errors?: unknown; extensions?: unknown };
}

/** How every right answer begins that says what this one says; what a server adds after it may differ. */
export function beginningOf({ errors, data }: { data?: unknown; errors?: unknown }): string {
  return JSON.stringify({ errors, data }).slice(0, -1);
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A figure as its median and its extremes over the rounds. */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}
