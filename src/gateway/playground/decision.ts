export type Outcome = 'CLEAR' | 'DEIDENTIFIED' | 'WITHHELD';

/** One line of the decision table. */
export interface Verdict {
  coordinate: string;
  outcome: Outcome;
  method?: string | undefined;
  code?: string | undefined;
  rule?: string | undefined;
  rows?: number | undefined;
  path?: string | undefined;
}

/** What the server said of one run, or of one explanation. */
export interface Decision {
  kind: 'run' | 'explanation';
  purpose: string | undefined;
  verdicts: Verdict[];
  /** Faults that concern no single coordinate: a refused operation, a syntax error. */
  faults: { code: string | undefined; message: string }[];
  references: { label: string; value: string }[];
}

interface ResponseError {
  readonly message: string;
  readonly path?: readonly (string | number)[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** The part of a GraphQL response that the decision is read from. */
export interface GovernedResponse {
  readonly errors?: readonly ResponseError[] | undefined;
  readonly extensions?: unknown;
}

/**
 * Reads the decision from a run's response: a verdict for each error with a coordinate, and for each coordinate named
 * without one. `stated` is the purpose that the request stated; a refusal may not repeat it.
 */
export function decisionOfRun(response: GovernedResponse, stated: string | undefined): Decision {
  const governance = record(record(response.extensions).governance);
  const errors = response.errors ?? [];
  const explained = errors.flatMap(verdictOfError);
  const told = new Set(explained.map((verdict) => verdict.coordinate));
  const silent = texts(governance.withheld).filter((coordinate) => !told.has(coordinate));
  return {
    kind: 'run',
    purpose: text(governance.purpose) ?? stated,
    verdicts: [
      ...explained,
      ...silent.map((coordinate): Verdict => ({ coordinate, outcome: 'WITHHELD' })),
      ...texts(governance.deidentified).map((coordinate): Verdict => ({ coordinate, outcome: 'DEIDENTIFIED' })),
    ],
    faults: faultsOf(errors),
    references: [
      { label: 'Decision', value: text(governance.decisionId) },
      { label: 'Policy', value: text(governance.policyVersion) },
      { label: 'Audit', value: text(governance.auditId) },
    ].flatMap(({ label, value }) => (value === undefined ? [] : [{ label, value }])),
  };
}

/** A row of `explainAccess`. */
export interface ExplainedCoordinate {
  coordinate: string;
  outcome: Outcome;
  code: string | null;
  rule: string | null;
  method: string | null;
}

/** Reads the decision out of an explanation: what would happen for `purpose`, with nothing read. */
export function decisionOfExplanation(
  purpose: string,
  rows: readonly ExplainedCoordinate[],
  errors: readonly ResponseError[],
): Decision {
  const severity: Outcome[] = ['WITHHELD', 'DEIDENTIFIED', 'CLEAR'];
  return {
    kind: 'explanation',
    purpose,
    verdicts: rows
      .map((row) => ({
        coordinate: row.coordinate,
        outcome: row.outcome,
        method: row.method ?? undefined,
        code: row.code ?? undefined,
        rule: row.rule ?? undefined,
      }))
      .sort((a, b) => severity.indexOf(a.outcome) - severity.indexOf(b.outcome)),
    faults: faultsOf(errors),
    references: [],
  };
}

const meanings = new Map([
  ['UNAUTHENTICATED', 'No valid token came with the request.'],
  ['SCOPE_REQUIRED', 'The token lacks a scope this field asks for.'],
  ['PURPOSE_REQUIRED', 'No purpose was stated. Choose one.'],
  ['PURPOSE_NOT_GRANTED', 'This caller was not granted the purpose.'],
  ['PURPOSE_NOT_PERMITTED', 'May not be read for this purpose.'],
  ['AGREEMENT_REQUIRED', 'The agreement it needs is not in force.'],
  ['PROCESSING_RESTRICTED', 'The person’s processing is restricted, objected to or under erasure.'],
  ['TRANSFER_NOT_AUTHORIZED', 'No lawful basis carries it from the person’s country to the caller’s.'],
  ['BAD_USER_INPUT', 'The request contradicts itself or is malformed.'],
]);

/** A code in plain words; undefined for a code the playground does not know. */
export function meaningOf(code: string | undefined): string | undefined {
  return code === undefined ? undefined : meanings.get(code);
}

function verdictOfError({ path, extensions }: ResponseError): Verdict[] {
  const { coordinate, argument, code, rule, rows, pattern } = record(extensions);
  if (typeof coordinate !== 'string') return [];
  return [
    {
      coordinate,
      outcome: 'WITHHELD',
      code: text(code),
      rule: text(rule),
      rows: typeof rows === 'number' ? rows : undefined,
      path: text(argument) ?? writtenPath(Array.isArray(pattern) ? pattern : path),
    },
  ];
}

function faultsOf(errors: readonly ResponseError[]): Decision['faults'] {
  return errors
    .filter((error) => text(error.extensions?.coordinate) === undefined)
    .map((error) => ({ code: text(error.extensions?.code), message: error.message }));
}

/** `customers.nodes[].email`: a pattern has `@` for a list's items. */
function writtenPath(path: readonly (string | number)[] | undefined): string | undefined {
  return path?.join('.').replaceAll('.@', '[]');
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
