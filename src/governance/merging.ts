import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
  type ValueNode,
  visit,
} from 'graphql';
import { type Limits, tooLarge } from './limits';

/**
 * Bounds what graphql's rule on overlapping fields would do (spec, section 5.3.2): it compares every two fields of one
 * response key that could be merged, their arguments included, again for each selection set above them. Looked at
 * before validation, in time that the limit bounds; no fragment may spread itself.
 * @throws {GraphQLError} code OPERATION_TOO_LARGE, limit `repeats` or `comparisons`
 */
export function enforceMerging(
  document: DocumentNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  limits: Limits,
): void {
  const merging = new Merging(fragments, limits);
  for (const definition of document.definitions) {
    if ('selectionSet' in definition) merging.count([definition.selectionSet], 1);
  }
}

class Merging {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #limits: Limits;
  readonly #weights = new Map<FieldNode, number>();
  #comparisons = 0;

  constructor(fragments: ReadonlyMap<string, FragmentDefinitionNode>, limits: Limits) {
    this.#fragments = fragments;
    this.#limits = limits;
  }

  /** Counts the fields that are merged where the sets' fields are, `depth` sets deep. */
  count(sets: readonly SelectionSetNode[], depth: number): void {
    const byKey = new Map<string, FieldNode[]>();
    const spread = new Set<string>();
    for (const set of sets) this.#collect(set, byKey, spread);
    for (const nodes of byKey.values()) {
      if (nodes.length > this.#limits.repeats) throw tooLarge('repeats', this.#limits);
      for (const node of nodes) this.#comparisons += depth * nodes.length * this.#weigh(node);
      if (this.#comparisons > this.#limits.comparisons) throw tooLarge('comparisons', this.#limits);
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      if (inner.length > 0) this.count(inner, depth + 1);
    }
  }

  #collect(set: SelectionSetNode, byKey: Map<string, FieldNode[]>, spread: Set<string>): void {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const nodes = byKey.get(key);
        if (nodes) nodes.push(selection);
        else byKey.set(key, [selection]);
        continue;
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.#collect(selection.selectionSet, byKey, spread);
        continue;
      }
      const name = selection.name.value;
      if (spread.has(name)) continue;
      spread.add(name);
      const fragment = this.#fragments.get(name);
      if (fragment) this.#collect(fragment.selectionSet, byKey, spread);
    }
  }

  /** A field counts one, and each node of its arguments, since they are compared as texts. */
  #weigh(field: FieldNode): number {
    if (!field.arguments?.length) return 1;
    const known = this.#weights.get(field);
    if (known !== undefined) return known;
    let weight = 1;
    const enter = () => {
      weight++;
    };
    for (const { value } of field.arguments) visit<ValueNode>(value, { enter });
    this.#weights.set(field, weight);
    return weight;
  }
}
