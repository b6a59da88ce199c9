import { type FieldNode, Kind, type SelectionSetNode } from 'graphql';
import type { ExecutableDocument } from './executable-document';
import { type Limits, tooLarge } from './limits';
import { eachNode } from './nodes';

/**
 * Bounds the work of graphql's rule on overlapping fields (spec, section 5.3.2). It compares every two fields of one
 * response key that could be merged, with their arguments, again for each selection set above them. Checked before
 * validation, in time that the limit bounds. No fragment may spread itself.
 * @throws {GraphQLError} code OPERATION_TOO_LARGE, limit `repeats` or `comparisons`
 */
export function enforceMerging(document: ExecutableDocument, limits: Limits): void {
  const merging = new Merging(document, limits);
  for (const { selectionSet } of document.definitions) merging.count([selectionSet], 1);
}

class Merging {
  readonly #document: ExecutableDocument;
  readonly #limits: Limits;
  readonly #weights = new Map<FieldNode, number>();
  #comparisons = 0;

  constructor(document: ExecutableDocument, limits: Limits) {
    this.#document = document;
    this.#limits = limits;
  }

  /** Counts the comparisons for the fields of these sets, which are `depth` sets deep. */
  count(sets: readonly SelectionSetNode[], depth: number): void {
    const byKey = new Map<string, FieldNode[]>();
    const spread = new Set<SelectionSetNode>();
    for (const set of sets) this.#collect(set, byKey, spread);
    for (const nodes of byKey.values()) {
      if (nodes.length > this.#limits.repeats) throw tooLarge('repeats', this.#limits);
      for (const node of nodes) this.#comparisons += depth * nodes.length * this.#weigh(node);
      if (this.#comparisons > this.#limits.comparisons) throw tooLarge('comparisons', this.#limits);
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      if (inner.length > 0) this.count(inner, depth + 1);
    }
  }

  #collect(set: SelectionSetNode, byKey: Map<string, FieldNode[]>, spread: Set<SelectionSetNode>): void {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const nodes = byKey.get(key);
        if (nodes) nodes.push(selection);
        else byKey.set(key, [selection]);
        continue;
      }
      const fragment = this.#document.fragmentOf(selection);
      if (!fragment || spread.has(fragment.selectionSet)) continue;
      spread.add(fragment.selectionSet);
      this.#collect(fragment.selectionSet, byKey, spread);
    }
  }

  /** A field counts one, plus one for each node of its arguments, since these are compared as text. */
  #weigh(field: FieldNode): number {
    if (!field.arguments?.length) return 1;
    const known = this.#weights.get(field);
    if (known !== undefined) return known;
    let weight = 1;
    const enter = () => {
      weight++;
    };
    for (const { value } of field.arguments) eachNode(value, enter);
    this.#weights.set(field, weight);
    return weight;
  }
}
