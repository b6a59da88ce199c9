import type { GraphQLError } from 'graphql';
import { isAuditUnavailable } from '../audit/log/ledger';
import type { AccessFacts } from '../audit/recording/access-recorder';
import { hashOfText, operationHash } from '../audit/recording/operation-hash';
import type { Decision, GovernanceReport, Governed } from '../governance/govern';
import { defaultLimits } from '../governance/govern';
import type { FailureLog } from './failure-log';
import type { GovernedRequest, RequestOutcome } from './governed-request';
import type { ServerOptions } from './server-options';
import { sayingOutcome, writeOf } from './told-writes';

/** The parts of a result that are recorded, formatted or not. */
interface Result {
  readonly data?: unknown;
  readonly errors?: ReadonlyArray<{ readonly path?: unknown; readonly extensions?: Record<string, unknown> }>;
  readonly extensions?: Record<string, unknown>;
}

/** The operation as it was asked for, for requests that could not be planned. */
export interface Asked {
  readonly document: Parameters<Governed['titleOf']>[0] | undefined;
  readonly operationName: string | null | undefined;
}

/**
 * The last step of a request: its entry is durable before its answer leaves. Where the ledger cannot be written, an
 * answer that could hold governed data is replaced as a whole; one that reaches none is still given.
 * @param refused makes the replacing answer
 */
export async function recordRequest<R extends Result>(
  { audit }: Pick<ServerOptions, 'audit'>,
  log: FailureLog,
  governed: Governed,
  request: GovernedRequest,
  result: R,
  asked: Asked,
  refused: (error: GraphQLError, extensions: { governance: GovernanceReport }) => R,
): Promise<R> {
  const concluded = conclude(request, result, governed.policyVersion);
  request.operation =
    planOf(request)?.title ?? (asked.document && governed.titleOf(asked.document, asked.operationName));
  const decision = decisionOf(request);
  const reached = request.report?.withheld.length || (decision && reachesGoverned(decision));
  request.impersonal = decision !== undefined && !reached;
  if (!audit) return concluded;
  try {
    await audit.record(factsOf(request, result, governed, asked));
    return concluded;
  } catch (error) {
    if (!isAuditUnavailable(error)) throw error;
    log.write(error, 'an operation could not be audited', { operation: request.operation });
    request.unaudited = true;
    const report = { ...Object(concluded.extensions?.governance), auditId: null };
    if (!reached) return { ...concluded, extensions: { ...concluded.extensions, governance: report } };
    request.outcome = 'REFUSED';
    request.codes = ['AUDIT_UNAVAILABLE'];
    const write = writeOf(request);
    const told = write ? sayingOutcome(error.message, error.extensions, write) : error;
    return refused(told, { governance: { ...report, withheld: [], deidentified: [] } });
  }
}

/**
 * Fills in the outcome.
 * @returns the result with the request's id in its governance report
 */
function conclude<R extends Result>(request: GovernedRequest, result: R, policyVersion: string): R {
  const report = result.extensions?.governance as GovernanceReport | undefined;
  request.codes = result.errors ? codesOf(result.errors) : none;
  if (report) request.report = report;
  request.outcome = outcomeOf(result);
  const governance = report ?? { purpose: null, decisionId: null, policyVersion, withheld: [], deidentified: [] };
  return {
    ...result,
    extensions: { ...result.extensions, governance: { ...governance, auditId: request.auditId } },
  };
}

const none: readonly string[] = [];

function codesOf(errors: NonNullable<Result['errors']>): string[] {
  const codes = errors.map(({ extensions }) => extensions?.code);
  return [...new Set(codes.filter((code): code is string => typeof code === 'string'))];
}

/** Whether a decision is about any governed field. Decisions are cached between requests, and so is this. */
function reachesGoverned(decision: Decision): boolean {
  const known = reaching.get(decision);
  if (known !== undefined) return known;
  const reaches = decision.verdicts.some(Boolean);
  reaching.set(decision, reaches);
  return reaches;
}

const reaching = new WeakMap<Decision, boolean>();

function outcomeOf({ data, errors = [] }: Result): RequestOutcome {
  if (data === undefined) return 'REJECTED';
  if (data === null && errors.some(({ path }) => path === undefined)) return 'REFUSED';
  return errors.length > 0 ? 'PARTLY' : 'ANSWERED';
}

const planOf = ({ plan }: GovernedRequest) => (plan && 'decide' in plan ? plan : undefined);

const decisionOf = ({ decided }: GovernedRequest): Decision | undefined =>
  decided && 'decision' in decided ? decided.decision : undefined;

function factsOf(request: GovernedRequest, result: Result, governed: Governed, asked: Asked): AccessFacts {
  const codes = new Map<string, number>();
  for (const { extensions } of result.errors ?? []) {
    const { code, rows } = extensions ?? {};
    if (typeof code !== 'string' || !/^[A-Z_]{1,40}$/.test(code)) continue;
    codes.set(code, (codes.get(code) ?? 0) + (typeof rows === 'number' ? rows : 1));
  }
  return {
    id: request.auditId,
    transport: request.transport,
    claims: request.claims,
    context: request.context,
    decision: decisionOf(request),
    purpose: request.purpose,
    operation: request.operation,
    operationHash: hashOf(planOf(request)?.document ?? asked.document),
    report: request.report,
    outcome: request.outcome ?? 'REJECTED',
    codes,
    coordinates: governed.coordinates,
    settled: request.settled,
    milliseconds: performance.now() - request.startedAt,
  };
}

function hashOf(document: Asked['document']): string | undefined {
  if (document === undefined) return undefined;
  return typeof document === 'string' ? hashOfText(document, defaultLimits.tokens) : operationHash(document);
}
