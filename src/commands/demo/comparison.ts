import { send } from '../../outbound/http';
import { CommandError } from '../failure';
import type { Caller } from './callers';

/** A query that several callers send, and the fields of the first customer to compare. */
export interface Comparison {
  readonly title: string;
  readonly query: string;
  readonly fields: ReadonlyArray<{
    readonly label: string;
    /** The path below the customer. */
    readonly path: readonly string[];
    /** The coordinates that decide, from the outermost in. */
    readonly coordinates: readonly string[];
  }>;
}

export type Cell =
  | { readonly outcome: 'CLEAR' | 'DEIDENTIFIED'; readonly value: unknown }
  | { readonly outcome: 'WITHHELD'; readonly code: string };

/** The answer to one caller. */
export interface Answer {
  readonly caller: Caller;
  /** Set when the whole operation was refused. Then there are no cells. */
  readonly refusal?: { readonly code: string; readonly rule: string };
  readonly cells: readonly Cell[];
  /** Why fields are withheld: code, rule and coordinates. */
  readonly reasons: ReadonlyArray<{ readonly code: string; readonly rule: string; readonly coordinates: string[] }>;
  readonly deidentified: readonly string[];
}

interface Response {
  readonly data?: { readonly customers?: { readonly nodes?: readonly unknown[] } | null } | null;
  readonly errors?: ReadonlyArray<{ readonly path?: unknown; readonly extensions: Record<string, unknown> }>;
  readonly extensions?: { readonly governance?: { readonly deidentified?: readonly string[] } };
}

/** Sends the query over HTTP as each caller, and reads from the answers who got what. */
export async function compare(address: string, comparison: Comparison, callers: readonly Caller[]): Promise<Answer[]> {
  return Promise.all(callers.map(async (caller) => read(comparison, caller, await ask(address, comparison, caller))));
}

async function ask(address: string, { query }: Comparison, { token, purpose }: Caller): Promise<Response> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'processing-purpose': purpose,
  };
  const request = { url: `${address}/graphql`, method: 'POST', headers, body: JSON.stringify({ query }) } as const;
  const { body } = await send(request, { timeoutMs: 30_000, maxBytes: 1024 * 1024, privateAddresses: true });
  const answer = JSON.parse(body.toString()) as Response;
  const failure = answer.errors?.find(({ extensions }) => extensions.code === 'INTERNAL_SERVER_ERROR');
  if (failure) throw new CommandError('the server failed on the query of the demo; with LOG_LEVEL=error it says where');
  return answer;
}

function read({ fields }: Comparison, caller: Caller, { data, errors = [], extensions }: Response): Answer {
  const deidentified = extensions?.governance?.deidentified ?? [];
  const whole = errors.find(({ path }) => path === undefined);
  if (whole) {
    const { code, rule } = whole.extensions;
    return {
      caller,
      refusal: { code: String(code), rule: typeof rule === 'string' ? rule : '' },
      cells: [],
      reasons: [],
      deidentified: [],
    };
  }
  const withheld = new Map(errors.map((error) => [String(error.extensions.coordinate), error.extensions]));
  const cells = fields.map(({ path, coordinates }): Cell => {
    const refusal = coordinates.map((coordinate) => withheld.get(coordinate)).find((found) => found !== undefined);
    if (refusal) return { outcome: 'WITHHELD', code: String(refusal.code) };
    const value = below(data?.customers?.nodes?.[0], path);
    const isDeidentified = coordinates.some((coordinate) => deidentified.includes(coordinate));
    return { outcome: isDeidentified ? 'DEIDENTIFIED' : 'CLEAR', value };
  });
  return { caller, cells, reasons: reasonsOf([...withheld.values()]), deidentified };
}

function reasonsOf(refusals: ReadonlyArray<Record<string, unknown>>): Answer['reasons'] {
  const byRule = new Map<string, { code: string; rule: string; coordinates: string[] }>();
  for (const { code, rule, coordinate } of refusals) {
    // A rule ends with the coordinate of its directive. Without the coordinate, equal rules are one reason.
    const said = String(rule).replace(/ on \w+\.\w+$/, '');
    const reason = byRule.get(`${code} ${said}`) ?? { code: String(code), rule: said, coordinates: [] };
    reason.coordinates.push(String(coordinate));
    byRule.set(`${code} ${said}`, reason);
  }
  return [...byRule.values()];
}

/** The value at a path, with the first item of each list. */
function below(node: unknown, path: readonly string[]): unknown {
  let value = node;
  for (const key of path) {
    value = (value as Record<string, unknown> | null | undefined)?.[key];
    if (Array.isArray(value)) value = value[0];
  }
  return value;
}
