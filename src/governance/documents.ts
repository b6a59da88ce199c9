import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  NoUndefinedVariablesRule,
  NoUnusedVariablesRule,
  parse,
  UniqueVariableNamesRule,
  type ValidationRule,
  VariablesAreInputTypesRule,
  VariablesInAllowedPositionRule,
} from 'graphql';
import { weightOf, withoutLocations } from './document-weight';
import type { ExecutableDocument } from './executable-document';
import { LeastRecentlyUsed } from './least-recently-used';
import { enforceLimits, type Limits, tooLarge } from './limits';
import { valueFreeRules } from './literals';
import { invalidDocument } from './messages';
import { validateDocument } from './validation';

/** A document that may be planned, or the errors why not. */
type Checked = { readonly document: ExecutableDocument } | { readonly errors: readonly GraphQLError[] };

/** They walk a document again and again, and find nothing in one that has no variables. */
const ofVariables: readonly ValidationRule[] = [
  NoUndefinedVariablesRule,
  NoUnusedVariablesRule,
  UniqueVariableNamesRule,
  VariablesAreInputTypesRule,
  VariablesInAllowedPositionRule,
];
const rulesWithoutVariables = valueFreeRules.filter((rule) => !ofVariables.includes(rule));

/** Errors that a document is answered with. */
const MOST_ERRORS = 20;
/** Bytes of documents that are kept, with their plans. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Parses, measures and validates each document once, by its text or its object. */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #limits: Limits;
  readonly #byText = new LeastRecentlyUsed<string, { document: ExecutableDocument; bytes: number }>(
    MOST_BYTES,
    (_text, { document, bytes }) => document.kept.reduce((sum, { weight }) => sum + weight, bytes),
  );
  readonly #sound = new WeakMap<DocumentNode, ExecutableDocument>();

  constructor(schema: GraphQLSchema, limits: Limits) {
    this.#schema = schema;
    this.#limits = limits;
  }

  /** Whether a text has been found sound and is kept. */
  knows(source: string): boolean {
    return this.#byText.get(source) !== undefined;
  }

  /** @param keep whether the text may stay in memory; false for an unauthenticated caller */
  check(source: string | DocumentNode, keep: boolean): Checked {
    if (typeof source !== 'string') return this.#checkNode(source);
    const known = this.#byText.get(source);
    if (known) return { document: known.document };
    const tokens = keep ? this.#limits.tokens : Math.min(this.#limits.tokens, this.#limits.anonymousTokens);
    const checked = this.#parse(source, tokens);
    if (keep && 'document' in checked) {
      const { document } = checked;
      withoutLocations(document.node);
      this.#byText.set(source, { document, bytes: weightOf(source, document) });
    }
    return checked;
  }

  #parse(source: string, tokens: number): Checked {
    try {
      // A text without a dollar sign has no variables.
      const rules = source.includes('$') ? valueFreeRules : rulesWithoutVariables;
      return this.#checkNode(parse(source, { maxTokens: tokens }), rules);
    } catch (error) {
      return { errors: [syntaxError(error, { tokens })] };
    }
  }

  #checkNode(node: DocumentNode, rules = valueFreeRules): Checked {
    const known = this.#sound.get(node);
    if (known) return { document: known };
    try {
      const document = enforceLimits(node, this.#limits);
      const errors = validateDocument(this.#schema, node, rules, MOST_ERRORS);
      if (errors.length > 0) return { errors: errors.map(invalidDocument) };
      this.#sound.set(node, document);
      return { document };
    } catch (error) {
      if (error instanceof GraphQLError) return { errors: [error] };
      // A document object may be nested deeper than the stack allows. It is too deep by any limit.
      if (error instanceof RangeError) return { errors: [tooLarge('depth', this.#limits)] };
      throw error;
    }
  }
}

/** The error for a text that does not parse: it tells the place, never the text (docs/pitfalls.md, 14). */
export function syntaxError(error: unknown, limits: Pick<Limits, 'tokens'>): GraphQLError {
  if (error instanceof GraphQLError && error.message === tooManyTokens(limits.tokens)) {
    const message = `The document exceeds the limit of ${limits.tokens} tokens.`;
    return new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_LARGE', limit: 'tokens' } });
  }
  const positions = error instanceof GraphQLError ? error.positions : undefined;
  const source = error instanceof GraphQLError ? error.source : undefined;
  const message = 'The document is not valid GraphQL: a syntax error stands at the location given.';
  return new GraphQLError(message, { source, positions, extensions: { code: 'GRAPHQL_PARSE_FAILED' } });
}

/** The whole message of graphql's parser, since a document may contain the same words. */
const tooManyTokens = (most: number): string =>
  `Syntax Error: Document contains more that ${most} tokens. Parsing aborted.`;
