import { type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';
import { ExecutableDocument } from './executable-document';
import { enforceMerging } from './merging';

/** Bounds on a document, checked before it is validated: validation itself is what some documents attack. */
export interface Limits {
  /** Lexical tokens of the text. */
  readonly tokens: number;
  /** The same for an unauthenticated caller: enough for introspection. */
  readonly anonymousTokens: number;
  /** Nesting of fields. */
  readonly depth: number;
  /** Fields that carry an alias, fragments expanded. */
  readonly aliases: number;
  /** Selections side by side in one selection set, fragments expanded. */
  readonly breadth: number;
  /** All fields, fragments expanded: what execution would have to visit. */
  readonly fields: number;
  /** Fields of one response key that are merged in one place, fragments expanded. */
  readonly repeats: number;
  /** Comparisons of merged fields and their arguments that validation would make. */
  readonly comparisons: number;
  /** Operations and fragments in one document. */
  readonly definitions: number;
  /** All fields, if every list were as long as its `first`, `last` or `limit` allows. */
  readonly cost: number;
}

export const defaultLimits: Limits = {
  tokens: 4_000,
  anonymousTokens: 2_000,
  depth: 15,
  aliases: 50,
  breadth: 1_000,
  fields: 2_000,
  repeats: 100,
  comparisons: 50_000,
  definitions: 200,
  cost: 100_000,
};

interface Extent {
  depth: number;
  aliases: number;
  /** Selections of the set itself. */
  own: number;
  /** The widest set of all. */
  breadth: number;
  fields: number;
}

/**
 * Checks a document against all limits, including the comparisons that validation would make. Every fragment is
 * measured once, however often it is spread, so 2^30 paths take no longer than their fragments.
 * @throws {GraphQLError} code OPERATION_TOO_LARGE, naming the limit
 */
export function enforceLimits(node: DocumentNode, limits: Limits): ExecutableDocument {
  if (node.definitions.length > limits.definitions) throw tooLarge('definitions', limits);
  const document = new ExecutableDocument(node);
  const measured: Measured = new Map();
  for (const definition of document.definitions) {
    const extent = measure(document, definition.selectionSet, measured);
    for (const name of ['depth', 'aliases', 'breadth', 'fields'] as const) {
      if (extent[name] > limits[name]) throw tooLarge(name, limits);
    }
    document.fields.set(definition, extent.fields);
  }
  enforceMerging(document, limits);
  return document;
}

/** By selection set. One that is met again while it is measured belongs to a fragment that spreads itself. */
type Measured = Map<SelectionSetNode, Extent | 'under way'>;

function measure(document: ExecutableDocument, set: SelectionSetNode, measured: Measured): Extent {
  const known = measured.get(set);
  if (known === 'under way') throw spreadsItself();
  if (known) return known;
  measured.set(set, 'under way');
  const total: Extent = { depth: 0, aliases: 0, own: 0, breadth: 0, fields: 0 };
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      const inner = selection.selectionSet && measure(document, selection.selectionSet, measured);
      total.depth = Math.max(total.depth, 1 + (inner?.depth ?? 0));
      total.aliases += (selection.alias ? 1 : 0) + (inner?.aliases ?? 0);
      total.fields += 1 + (inner?.fields ?? 0);
      total.own++;
      total.breadth = Math.max(total.breadth, inner?.breadth ?? 0);
      continue;
    }
    const fragment = document.fragmentOf(selection);
    if (!fragment) continue;
    const inner = measure(document, fragment.selectionSet, measured);
    total.depth = Math.max(total.depth, inner.depth);
    total.aliases += inner.aliases;
    total.fields += inner.fields;
    total.own += inner.own;
    total.breadth = Math.max(total.breadth, inner.breadth);
  }
  total.breadth = Math.max(total.breadth, total.own);
  measured.set(set, total);
  return total;
}

/** Validation would find it too, but only after comparing the fragment with itself. */
const spreadsItself = (): GraphQLError =>
  new GraphQLError('A fragment spreads itself.', { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });

export function tooLarge(limit: keyof Limits, limits: Limits): GraphQLError {
  return new GraphQLError(`The document exceeds the limit of ${limits[limit]} ${limit}.`, {
    extensions: { code: 'OPERATION_TOO_LARGE', limit },
  });
}
