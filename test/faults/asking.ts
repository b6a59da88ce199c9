import { setTimeout as sleep } from 'node:timers/promises';
import { type DevelopmentToken, signDevelopmentToken } from '../../src/identity/development-keys';
import type { ServedProcess } from './served-process';

/** What came back: an answer, or the way in which none came. */
export interface Answer {
  readonly status: number;
  readonly data: Record<string, unknown> | null;
  readonly codes: readonly string[];
  /** What became of a mutation, by the answer's own word. */
  readonly write: string | undefined;
  readonly text: string;
  readonly retryAfter: string | null;
  readonly headers?: Headers;
  /** Only for a request without an answer: the process was not there, or went away meanwhile. */
  readonly lost: boolean;
}

export interface Question {
  readonly token: string;
  readonly purpose?: string;
  readonly document: string;
  readonly variables?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
}

/** Patience beyond the product's own limit of ten seconds. */
const PATIENCE_MS = 30_000;

export async function ask(served: ServedProcess, question: Question): Promise<Answer> {
  const { token, purpose, document: query, variables, headers = {} } = question;
  try {
    const response = await fetch(served.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        ...(purpose === undefined ? {} : { 'processing-purpose': purpose }),
        ...headers,
      },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    const { data = null, errors = [] } = JSON.parse(text) as {
      data?: Record<string, unknown> | null;
      errors?: Array<{ extensions?: { code?: string; write?: string } }>;
    };
    return {
      status: response.status,
      data,
      write: errors.find(({ extensions }) => extensions?.write !== undefined)?.extensions?.write,
      codes: errors.map(({ extensions }) => extensions?.code ?? 'NONE'),
      text,
      retryAfter: response.headers.get('retry-after'),
      headers: response.headers,
      lost: false,
    };
  } catch (error) {
    if ((error as Error).name === 'TimeoutError') throw new Error(`${served.name} was silent for ${PATIENCE_MS} ms`);
    return { status: 0, data: null, write: undefined, codes: [], text: String(error), retryAfter: null, lost: true };
  }
}

/** Whether an answer says that it was done. */
export const isDone = ({ status, codes, data }: Answer): boolean =>
  status === 200 && codes.length === 0 && data !== null;

/** Signs tokens of one installation, which all its processes accept. */
export function tokensOf(keyFile: string): (token: DevelopmentToken) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return (token) => {
    const key = JSON.stringify(token);
    const signed = known.get(key) ?? signDevelopmentToken(token, keyFile);
    known.set(key, signed);
    return signed;
  };
}

/** Waits until something holds. @throws with `what` after the patience */
export async function until(what: string, holds: () => Promise<boolean>, patienceMs = 90_000): Promise<void> {
  for (const deadline = Date.now() + patienceMs; !(await holds()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error(`it did not come to that: ${what}`);
  }
}
