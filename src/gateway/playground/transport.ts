import type { GraphiQLProps } from 'graphiql';
import { type ExecutionResult, getOperationAST } from 'graphql';
import { createClient } from 'graphql-ws';
import { type Decision, decisionOfExplanation, decisionOfRun, type ExplainedCoordinate } from './decision';
import type { Purpose } from './purposes';
import type { EditorText } from './session';

const path = '/graphql';

const explainOperation = `query Explain($operation: String!, $operationName: String, $purpose: ProcessingPurpose!) {
  explainAccess(operation: $operation, operationName: $operationName, purpose: $purpose) {
    coordinate outcome code rule method
  }
}`;

type Fetcher = GraphiQLProps['fetcher'];
type FetcherRequest = Parameters<Fetcher>[0];

interface Caller {
  token: string;
  purpose?: Purpose | undefined;
}

/** A decision to show; null while a run is under way. */
export type ShowDecision = (decision: Decision | null) => void;

/**
 * GraphiQL's fetcher: queries and mutations over HTTP, subscriptions over WebSocket on the same path, each by the
 * caller of that moment. Introspection is `token`'s: it states no purpose, for it reads no personal data, and leaves
 * the decision on show alone.
 */
export function createFetcher(token: string, callerNow: () => Caller, show: ShowDecision): Fetcher {
  return (request, options) => {
    if (request.operationName === 'IntrospectionQuery') return post({ token }, request);
    const caller = callerNow();
    show(null);
    const operation = options?.documentAST && getOperationAST(options.documentAST, request.operationName);
    if (operation?.operation === 'subscription') return subscribe(caller, request, show);
    return post(caller, request).then(
      (response) => {
        show(decisionOfRun(response, caller.purpose));
        return dataFirst(response);
      },
      (error: Error) => {
        show(unanswered('run', caller.purpose, error));
        throw error;
      },
    );
  };
}

/** Asks the server what `editor`'s operation would see for `purpose`. Reads nothing, so it states no purpose itself. */
export async function explain(token: string, purpose: Purpose, editor: EditorText): Promise<Decision> {
  try {
    const response = await post<{ explainAccess: ExplainedCoordinate[] | null }>(
      { token },
      {
        query: explainOperation,
        operationName: 'Explain',
        variables: { operation: editor.query, operationName: editor.operationName ?? null, purpose },
      },
    );
    return decisionOfExplanation(purpose, response.data?.explainAccess ?? [], response.errors ?? []);
  } catch (error) {
    return unanswered('explanation', purpose, error instanceof Error ? error : new Error(String(error)));
  }
}

async function post<Data = Record<string, unknown>>(caller: Caller, request: object): Promise<ExecutionResult<Data>> {
  const response = await fetch(path, {
    method: 'POST',
    credentials: 'omit',
    headers: {
      accept: 'application/graphql-response+json, application/json',
      'content-type': 'application/json',
      ...credentialsOf(caller),
    },
    body: JSON.stringify(request),
  });
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    throw new Error(`The server answered ${response.status} ${response.statusText} with no GraphQL result`);
  }
}

/** The data on top: why something is withheld is told beside the result already. */
function dataFirst(response: ExecutionResult): ExecutionResult {
  return { ...('data' in response ? { data: response.data } : {}), ...response };
}

// Not an async generator: its return() waits for the next event, so GraphiQL's Stop would not stop.
function subscribe(caller: Caller, request: FetcherRequest, show: ShowDecision): AsyncIterable<ExecutionResult> {
  const client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}${path}`,
    connectionParams: credentialsOf(caller),
    retryAttempts: 0,
  });
  const results = client.iterate({
    query: request.query,
    variables: request.variables,
    operationName: request.operationName,
  }) as AsyncIterator<ExecutionResult>;
  const end = () => {
    void client.dispose();
    return Promise.resolve({ done: true as const, value: undefined });
  };
  const next = async () => {
    try {
      const step = await results.next();
      if (step.done) return end();
      show(decisionOfRun(step.value, caller.purpose));
      return step;
    } catch (reason) {
      void client.dispose();
      const error = faultOf(reason);
      show(unanswered('run', caller.purpose, error));
      throw error;
    }
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

function credentialsOf({ token, purpose }: Caller): Record<string, string> {
  return {
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    ...(purpose === undefined ? {} : { 'processing-purpose': purpose }),
  };
}

function unanswered(kind: Decision['kind'], purpose: Purpose | undefined, error: Error): Decision {
  return { kind, purpose, verdicts: [], references: [], faults: [{ code: undefined, message: error.message }] };
}

/** A socket ends in an Error, in a CloseEvent, or in the list of GraphQL errors that refused the operation. */
function faultOf(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  if (reason instanceof CloseEvent)
    return new Error(`The subscription was closed: ${reason.code} ${reason.reason}`.trim());
  if (Array.isArray(reason)) return new Error(reason.map((error) => error.message).join(' '));
  return new Error('The subscription could not be opened');
}
