import type { FastifyRequest } from 'fastify';
import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';
import { operationHash } from '../audit/operation-hash';
import type { Governed } from '../governance/govern';
import { LeastRecentlyUsed } from '../governance/least-recently-used';
import type { RequestContext } from '../identity/request-context';
import { concludeAudited } from './auditing';
import type { Exchange } from './exchange';
import type { ServerOptions } from './server-options';

/** An answer over HTTP. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** Besides the content's type. */
  readonly headers?: Iterable<readonly [name: string, value: string]>;
  readonly text: string;
}

type Formatted = FormattedExecutionResult<Record<string, unknown>>;

interface GraphQLBody {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
}

/** How many `accept` headers are remembered with the type that Apollo Server answered them with. */
const MOST_ACCEPT_HEADERS = 100;

/**
 * The short way of a POST that says nothing unusual: Apollo Server's pipeline costs more than the decision and the
 * execution of a small operation together. It serves what could not fail there: a sound operation that may be sent by
 * POST. All else, and above all every refusal of a request, is Apollo's to answer.
 */
export class PlannedOperations {
  readonly #governed: Governed;
  readonly #options: Pick<ServerOptions, 'audit' | 'logger'>;
  readonly #contentTypes = new LeastRecentlyUsed<string, string>(MOST_ACCEPT_HEADERS);

  constructor(governed: Governed, options: Pick<ServerOptions, 'audit' | 'logger'>) {
    this.#governed = governed;
    this.#options = options;
  }

  /** Learns what an `accept` header is answered with. */
  negotiated(accept: string | undefined, contentType: string): void {
    this.#contentTypes.set(accept ?? '', contentType);
  }

  /** @returns undefined where nothing has been executed, and Apollo is to answer */
  async answer(request: FastifyRequest, exchange: Exchange, context: RequestContext): Promise<Answer | undefined> {
    const contentType = this.#contentTypes.get(request.headers.accept ?? '');
    const { body } = request;
    if (contentType === undefined || request.method !== 'POST' || !isUsual(body)) return undefined;
    const before = performance.now();
    const operation = this.#governed.operation(body.query, body.operationName, context.access);
    exchange.planningMs = performance.now() - before;
    if (!operation || operation.kind === 'subscription') return undefined;
    const { document, title } = operation;
    const result = await this.#governed.execute({
      document,
      operationName: body.operationName,
      variableValues: body.variables,
      contextValue: context,
      access: context.access,
    });
    // Without data nothing was executed: a variable is wrong, or the operation costs too much.
    if (result.data === undefined) return undefined;
    exchange.operation = title;
    const { errors: failures, ...rest } = result;
    const formatted: Formatted = failures ? { ...rest, errors: failures.map(format) } : rest;
    const concluded = await concludeAudited(
      this.#options,
      exchange,
      formatted,
      { governed: this.#governed, context, operationHash: operationHash(document) },
      (error, extensions) => ({ data: null, errors: [error.toJSON()], extensions: { ...extensions } }),
    );
    const { errors, data, extensions } = concluded;
    const status = exchange.codes.includes('AUDIT_UNAVAILABLE') ? 503 : 200;
    return { status, contentType, text: `${JSON.stringify({ errors, data, extensions })}\n` };
  }
}

function isUsual(body: unknown): body is GraphQLBody {
  if (!isRecord(body)) return false;
  const { query, operationName, variables, extensions, ...rest } = body;
  // What clients say there of themselves changes nothing; a persisted query is Apollo's to refuse.
  if (extensions !== undefined && (!isRecord(extensions) || 'persistedQuery' in extensions)) return false;
  if (typeof query !== 'string' || query === '') return false;
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') return false;
  if (variables !== undefined && variables !== null && !isRecord(variables)) return false;
  return Object.keys(rest).length === 0;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function format(error: GraphQLError): GraphQLFormattedError {
  const formatted = error.toJSON();
  if (typeof formatted.extensions?.code === 'string') return formatted;
  return { ...formatted, extensions: { ...formatted.extensions, code: 'INTERNAL_SERVER_ERROR' } };
}
