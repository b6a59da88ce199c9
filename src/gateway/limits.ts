/**
 * Limits on what callers can take of the server: name, default, meaning. Limits on documents are the governance core's.
 */
const table = {
  bodyBytes: [256 * 1024, "bytes of a request's body or of a WebSocket message"],
  headerBytes: [16 * 1024, "bytes of a request's line and headers together"],
  connections: [4_000, 'connections open at once'],
  operationMs: [10_000, 'milliseconds in which an operation must have been answered'],
  operationsUnderWay: [
    1_000,
    'operations at once, running or waiting; those included that were given up and still run',
  ],
  operationsPerAddress: [500, 'the same from one address'],
  operationsPerCaller: [250, 'the same of one principal'],
  anonymousOperations: [100, 'the same of all callers without a token together'],
  executions: [64, 'operations that run at once; the others wait, and callers take turns'],
  executionsPerCaller: [8, 'operations of one principal that run at once while it is alone'],
  executionsBesideOthers: [2, 'the same while others ask too'],
  clientExecutionsBesideOthers: [4, "operations of one client's principals that run at once while other clients ask"],
  anonymousExecutions: [4, 'operations of all callers without a token that run at once'],
  operationsPerSecond: [10_000, 'operations of one principal a second, counted over ten, in all processes together'],
  clientOperationsPerSecond: [50_000, 'the same of all principals of one client'],
  costPerSecond: [5_000_000, 'fields of one principal a second, counted as by `cost`, over ten, in all processes'],
  clientCostPerSecond: [20_000_000, 'the same of all principals of one client'],
  idempotencyKeysPerCaller: [100_000, 'idempotency keys of one principal that are kept at once'],
  sockets: [1_000, 'WebSockets open at once'],
  socketsPerAddress: [200, 'WebSockets from one address'],
  anonymousSockets: [50, 'WebSockets that have shown no token'],
  anonymousSocketMs: [60_000, 'milliseconds that a WebSocket without a token stays open'],
  anonymousSocketMessages: [50, 'messages and pings in all on one WebSocket that has shown no token'],
  socketOpenings: [20, 'WebSockets opened a second from one address, after ten times as many at once'],
  initialisationMs: [3_000, 'milliseconds in which a WebSocket must have been initialised'],
  operationsPerSocket: [50, 'operations under way at once on one WebSocket, open subscriptions included'],
  subscriptions: [5_000, 'subscriptions open at once'],
  subscriptionsPerCaller: [500, 'subscriptions of one principal'],
  socketMessages: [100, 'messages and pings a second on one WebSocket, after ten times as many at once'],
  socketBytes: [1024 * 1024, 'bytes received a second on one WebSocket, after ten times as many at once'],
  socketBuffer: [4 * 1024 * 1024, 'bytes that a WebSocket may leave unread before more is sent'],
  shutdownMs: [10_000, 'milliseconds that requests under way have to finish when the server closes'],
} as const satisfies Record<string, readonly [number, string]>;

export type LimitName = keyof typeof table;
export type ServerLimits = Readonly<Record<LimitName, number>>;

export const limitNames = Object.keys(table) as LimitName[];

export const defaultServerLimits = Object.fromEntries(limitNames.map((name) => [name, table[name][0]])) as ServerLimits;

/**
 * Reads `name=number` pairs, separated by commas.
 * @throws {Error} that names the faulty pair and what would be right
 */
export function readLimits(text: string): Partial<ServerLimits> {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const pair of text.split(',')) {
    const [name = '', value = ''] = pair.split('=').map((part) => part.trim());
    const known = limitNames.find((limit) => limit === name);
    if (!known) throw new Error(`there is no limit "${name}"; the limits are ${limitNames.join(', ')}`);
    if (!/^[1-9]\d{0,11}$/.test(value))
      throw new Error(`${name} must be a whole number above 0, such as ${table[known][0]}`);
    limits[known] = Number(value);
  }
  return limits;
}
