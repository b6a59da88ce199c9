import type { GraphQLError } from 'graphql';
import type { AccessFacts } from '../audit/access-recorder';
import { isAuditUnavailable } from '../audit/log/errors';
import type { GovernanceReport, Governed } from '../governance/govern';
import type { RequestContext } from '../identity/request-context';
import { concludeExchange, type Exchange } from './exchange';
import type { ServerOptions } from './server-options';

/** What is known of an operation besides its exchange. */
export interface Operated {
  readonly governed: Pick<Governed, 'coordinates' | 'policyVersion'>;
  readonly context: RequestContext | undefined;
  readonly operationHash: string | undefined;
}

interface Result {
  readonly data?: unknown;
  readonly errors?: ReadonlyArray<{ readonly extensions?: Record<string, unknown> }>;
  readonly extensions?: Record<string, unknown>;
}

/**
 * Concludes an operation: its entry is durable before its answer leaves. Where the ledger cannot be written, what could
 * hold something governed is replaced as a whole; an operation that reaches nothing governed is answered all the same.
 */
export async function concludeAudited<R extends Result>(
  { audit, logger }: Pick<ServerOptions, 'audit' | 'logger'>,
  exchange: Exchange,
  result: R,
  operated: Operated,
  refused: (error: GraphQLError, extensions: { governance: GovernanceReport }) => R,
): Promise<R> {
  const concluded = concludeExchange(exchange, result, operated.governed.policyVersion);
  const { context } = operated;
  const reached = exchange.report?.withheld.length || context?.decision?.verdicts.some(Boolean);
  exchange.impersonal = context?.decision !== undefined && !reached;
  if (!audit) return concluded;
  try {
    await audit.record(factsOf(exchange, result, operated));
    return concluded;
  } catch (error) {
    if (!isAuditUnavailable(error)) throw error;
    logger.warn({ err: error, operation: exchange.operation }, 'an operation could not be audited');
    exchange.unaudited = true;
    const report = { ...Object(concluded.extensions?.governance), auditId: null };
    if (!reached) return { ...concluded, extensions: { ...concluded.extensions, governance: report } };
    exchange.outcome = 'REFUSED';
    exchange.codes = ['AUDIT_UNAVAILABLE'];
    const refusal = { ...report, withheld: [], deidentified: [] };
    return refused(error, { governance: refusal });
  }
}

function factsOf(exchange: Exchange, result: Result, { governed, context, operationHash }: Operated): AccessFacts {
  const codes = new Map<string, number>();
  for (const { extensions } of result.errors ?? []) {
    const { code, rows } = extensions ?? {};
    if (typeof code !== 'string' || !/^[A-Z_]{1,40}$/.test(code)) continue;
    codes.set(code, (codes.get(code) ?? 0) + (typeof rows === 'number' ? rows : 1));
  }
  return {
    id: exchange.auditId,
    transport: exchange.transport,
    claims: exchange.claims,
    context,
    purpose: exchange.purpose,
    operation: exchange.operation,
    operationHash,
    report: exchange.report,
    outcome: exchange.outcome ?? 'REJECTED',
    codes,
    coordinates: governed.coordinates,
    arrived: exchange.arrived,
    milliseconds: performance.now() - exchange.startedAt,
  };
}
