import { v7 as uuidv7 } from 'uuid';
import type { DecidedOperation, GovernanceReport, GovernedResult, PlannedOperation } from '../governance/govern';
import type { TokenClaims } from '../identity/caller';
import type { RequestContext } from '../identity/request-context';
import type { GatewayError } from './errors';
import type { Contract } from './server-options';

/** How an operation ended, as a whole. */
export type RequestOutcome = 'ANSWERED' | 'PARTLY' | 'REFUSED' | 'REJECTED';

/**
 * One operation on its way through the server. Each step fills its part, from top to bottom, and reads only what is
 * above (docs/request-path.md). The log line and the ledger entry are made from it: who asked, what for and what came
 * of it, and nothing that was read.
 */
export interface GovernedRequest {
  /** UUIDv7; the caller reads it in `extensions.governance.auditId`. */
  readonly auditId: string;
  readonly transport: 'http' | 'websocket';
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Tells the ledger that this request's entry has come, or never will. It is told once the request has its turn. */
  settled: () => void;
  /** Its span, where spans are recorded. */
  trace?: { readonly traceId: string; readonly spanId: string };
  /** Set once it was answered with a timeout; the operation may still run. */
  isGivenUp?: boolean;

  // Caller: who asks.
  claims?: TokenClaims;
  contract?: Contract;
  /** The purpose that its header states; the document may state one too. */
  purpose?: string | undefined;
  /** The key under which a mutation is executed once. */
  idempotencyKey?: string | undefined;
  /** The context for resolvers, with what the caller may do now. */
  context?: RequestContext;

  // Plan: what is asked for. A result is why it cannot be planned.
  plan?: PlannedOperation | GovernedResult;
  /** Set while it runs as the only dear operation of its caller. Call it when it has ended. */
  leaveAlone?: () => number;
  /** Milliseconds for which its steps kept the process, without waiting for anything. */
  blockedMs?: number;

  // Decision: what of it may be given. A result is what ends it, such as a variable that is wrong.
  decided?: DecidedOperation | GovernedResult;

  /** Why it was not executed though it was decided, where that must pass Apollo Server. */
  refusal?: GatewayError;

  // Execution.
  /** Set once it is known what was done before under the idempotency key. */
  isKeyOpen?: boolean;
  /** Set where the answer tells of something that an earlier request did under the same key. */
  isRepeated?: boolean;

  // Record: what came of it.
  /** The operation's kind and root fields. The caller's name for it is not kept. */
  operation?: string | undefined;
  report?: GovernanceReport;
  outcome?: RequestOutcome;
  /** Codes of the answer's errors, each once. */
  codes: readonly string[];
  /** Set where the operation reaches no governed field. */
  impersonal?: boolean;
  /** Set where the ledger could not be written. */
  unaudited?: boolean;
}

const nobodyWaits = () => undefined;

export function beginRequest(transport: GovernedRequest['transport']): GovernedRequest {
  return { auditId: uuidv7(), transport, startedAt: performance.now(), settled: nobodyWaits, codes: [] };
}
