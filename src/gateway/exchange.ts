import { v7 as uuidv7 } from 'uuid';
import type { GovernanceReport } from '../governance/govern';
import type { TokenClaims } from '../identity/caller';
import type { RequestContext } from '../identity/request-context';
import type { Contract } from './server-options';

/** How an operation ended, as a whole. */
export type ExchangeOutcome = 'ANSWERED' | 'PARTLY' | 'REFUSED' | 'REJECTED';

/** One operation and its answer, as the log keeps it: who, what for, what came of it, and nothing that was read. */
export interface Exchange {
  /** UUIDv7; the caller reads it in `extensions.governance.auditId`. */
  readonly auditId: string;
  readonly transport: 'http' | 'websocket';
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Tells the ledger that its entry has come, or none will. */
  arrived?: (() => void) | undefined;
  claims?: TokenClaims;
  contract?: Contract;
  /** Slug of the client that the request is about. */
  client?: string | undefined;
  /** As the header states it, until the governed report says which one applies. */
  purpose?: string | undefined;
  /** Its kind and root fields: what its caller calls it is not kept. */
  operation?: string | undefined;
  report?: GovernanceReport;
  outcome?: ExchangeOutcome;
  /** Codes of the answer's errors, each once. */
  codes: readonly string[];
  /** It has been decided that the operation reaches no governed field. */
  impersonal?: boolean;
  /** What reading, validating and planning its document took. */
  planningMs?: number;
  /** It was answered with a timeout, whatever comes of it. */
  isGivenUp?: boolean;
  /** The ledger could not be written. */
  unaudited?: boolean;
}

/** What an exchange reads of a result, formatted or not. */
interface Result {
  readonly data?: unknown;
  readonly errors?: ReadonlyArray<{ readonly path?: unknown; readonly extensions?: Record<string, unknown> }>;
  readonly extensions?: Record<string, unknown>;
}

const key = Symbol('exchange');

export function beginExchange(transport: Exchange['transport']): Exchange {
  return { auditId: uuidv7(), transport, startedAt: performance.now(), codes: [] };
}

/** Puts the exchange where Apollo's plugins find it again: they get a copy of the context, with the same memory. */
export function rememberExchange(exchange: Exchange, context: RequestContext): void {
  exchange.client = context.client?.slug;
  context.memory.set(key, exchange);
}

export function exchangeOf(context: RequestContext): Exchange | undefined {
  return context.memory.get(key) as Exchange | undefined;
}

/** Notes what came of the operation. @returns the result with the exchange's id where its governance is reported */
export function concludeExchange<R extends Result>(exchange: Exchange, result: R, policyVersion: string): R {
  const report = result.extensions?.governance as GovernanceReport | undefined;
  const codes = (result.errors ?? []).map(({ extensions }) => extensions?.code);
  exchange.codes = [...new Set(codes.filter((code): code is string => typeof code === 'string'))];
  if (report) exchange.report = report;
  exchange.outcome = outcomeOf(result);
  const governance = report ?? {
    purpose: null,
    decisionId: null,
    policyVersion,
    withheld: [],
    deidentified: [],
  };
  return {
    ...result,
    extensions: { ...result.extensions, governance: { ...governance, auditId: exchange.auditId } },
  };
}

function outcomeOf({ data, errors = [] }: Result): ExchangeOutcome {
  if (data === undefined) return 'REJECTED';
  if (data === null && errors.some(({ path }) => path === undefined)) return 'REFUSED';
  return errors.length > 0 ? 'PARTLY' : 'ANSWERED';
}
