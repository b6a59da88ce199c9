import type { FastifyRequest } from 'fastify';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { JsonText, type WrittenResult } from '../governance/govern';
import type { GovernedRequest } from './governed-request';
import type { Road } from './road';

/** An answer over HTTP. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** Headers besides `content-type`. */
  readonly headers?: Iterable<readonly [name: string, value: string]>;
  readonly text: string;
}

interface Formatted extends Pick<WrittenResult, 'data'> {
  readonly errors?: readonly GraphQLFormattedError[];
  readonly extensions?: Record<string, unknown>;
}

interface GraphQLBody {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
}

/** The most `accept` headers remembered, with the content type that Apollo Server chose. */
const MOST_ACCEPT_HEADERS = 100;
/** For these it chooses JSON, so that most servers never have to load it. */
const jsonFor = ['', '*/*', 'application/json'];

/**
 * The short way, for a POST that says nothing unusual. It is one of the road's two callers over HTTP, because Apollo
 * Server's pipeline costs more than the decision and the execution of a small operation together. It answers only what
 * cannot fail in Apollo: a valid operation that may be sent by POST. Apollo answers everything else, and every refusal
 * of a request.
 */
export class ShortWay {
  readonly #road: Road;
  readonly #contentTypes = new LRUCache<string, string>({ max: MOST_ACCEPT_HEADERS });

  constructor(road: Road) {
    this.#road = road;
    for (const accept of jsonFor) this.negotiated(accept, 'application/json; charset=utf-8');
  }

  /** Learns the content type that Apollo chose for an `accept` header. */
  negotiated(accept: string | undefined, contentType: string): void {
    this.#contentTypes.set(accept ?? '', contentType);
  }

  /** @returns undefined where nothing was executed and Apollo must answer */
  async answer({ headers, method, body }: FastifyRequest, request: GovernedRequest): Promise<Answer | undefined> {
    const contentType = this.#contentTypes.get(headers.accept ?? '');
    if (contentType === undefined || method !== 'POST' || !isUsual(body)) return undefined;
    const operation = { document: body.query, operationName: body.operationName, variableValues: body.variables };
    const plan = this.#road.plan(request, operation);
    if (!('decide' in plan) || plan.kind === 'subscription') return undefined;
    const { errors: failures, ...rest } = await this.#road.write(request, operation);
    // Without data nothing was executed: a variable is wrong, or the operation costs too much.
    if (rest.data === undefined) return undefined;
    const formatted: Formatted = failures ? { ...rest, errors: failures.map(format) } : { ...rest };
    const recorded = await this.#road.record(request, formatted, operation, (error, extensions) => ({
      data: null,
      errors: [error.toJSON()],
      extensions: { ...extensions },
    }));
    const status = request.codes.includes('AUDIT_UNAVAILABLE') ? 503 : 200;
    return { status, contentType, text: textOf(recorded) };
  }
}

/** As Apollo Server writes it. */
function textOf({ errors, data, extensions }: Formatted): string {
  if (!(data instanceof JsonText)) return `${JSON.stringify({ errors, data, extensions })}\n`;
  const before = errors ? `"errors":${JSON.stringify(errors)},` : '';
  const after = extensions ? `,"extensions":${JSON.stringify(extensions)}` : '';
  return `{${before}"data":${data.text}${after}}\n`;
}

function isUsual(body: unknown): body is GraphQLBody {
  if (!isRecord(body)) return false;
  const { query, operationName, variables, extensions } = body;
  // Clients may describe themselves in `extensions`; that changes nothing. A persisted query is for Apollo to refuse.
  if (extensions !== undefined && (!isRecord(extensions) || 'persistedQuery' in extensions)) return false;
  if (typeof query !== 'string' || query === '') return false;
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') return false;
  if (variables !== undefined && variables !== null && !isRecord(variables)) return false;
  return Object.keys(body).every((name) => usualMembers.has(name));
}

const usualMembers: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function format(error: GraphQLError): GraphQLFormattedError {
  const formatted = error.toJSON();
  if (typeof formatted.extensions?.code === 'string') return formatted;
  return { ...formatted, extensions: { ...formatted.extensions, code: 'INTERNAL_SERVER_ERROR' } };
}
