import {
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { ExecutableDocument } from './executable-document';

/** Arguments that limit the length of a list. */
const LENGTHS = new Set(['first', 'last', 'limit']);

/** Field name → the default length of its list; the longest, if types differ. */
export type DefaultLengths = ReadonlyMap<string, number>;

/** The cost of an operation, by its coerced variables. */
export type Cost = (variables: Readonly<Record<string, unknown>>) => number;

/** Reads the defaults of `first`, `last` and `limit` from the schema, once. */
export function defaultLengths(schema: GraphQLSchema): DefaultLengths {
  const lengths = new Map<string, number>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      for (const { name, defaultValue } of field.args) {
        if (!LENGTHS.has(name) || typeof defaultValue !== 'number') continue;
        lengths.set(field.name, Math.max(defaultValue, lengths.get(field.name) ?? 1));
      }
    }
  }
  return lengths;
}

/**
 * The number of fields that execution would visit if every list were as long as its arguments allow. Each fragment is
 * counted once and multiplied where it is spread, so 2^30 paths take no longer to count than their fragments
 * (docs/pitfalls.md, 21). @skip and @include are ignored.
 * @returns undefined if no list has a length: the limit on fields is enough then
 */
export function costOf(
  document: ExecutableDocument,
  operation: OperationDefinitionNode,
  defaults: DefaultLengths,
): Cost | undefined {
  const isLong = [operation, ...document.fragments.values()].some((node) => hasLengths(node.selectionSet, defaults));
  return isLong ? (variables) => new Count(document, defaults, variables).of(operation.selectionSet) : undefined;
}

/** @throws {GraphQLError} code OPERATION_TOO_LARGE, limit `cost` */
export function enforceCost(cost: number, limit: number): void {
  if (cost <= limit) return;
  throw new GraphQLError(`The operation exceeds the limit of ${limit} fields over all list items: ask for fewer.`, {
    extensions: { code: 'OPERATION_TOO_LARGE', limit: 'cost' },
  });
}

function hasLengths({ selections }: SelectionSetNode, defaults: DefaultLengths): boolean {
  return selections.some((selection) => {
    if (selection.kind === Kind.FIELD) {
      if (defaults.has(selection.name.value)) return true;
      if (selection.arguments?.some((argument) => LENGTHS.has(argument.name.value))) return true;
    }
    // Fragments that are spread are checked on their own.
    return 'selectionSet' in selection && selection.selectionSet !== undefined
      ? hasLengths(selection.selectionSet, defaults)
      : false;
  });
}

class Count {
  readonly #document: ExecutableDocument;
  readonly #defaults: DefaultLengths;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #counted = new Map<SelectionSetNode, number>();

  constructor(document: ExecutableDocument, defaults: DefaultLengths, variables: Readonly<Record<string, unknown>>) {
    this.#document = document;
    this.#defaults = defaults;
    this.#variables = variables;
  }

  /** Counts each set once, however often its fragment is spread. */
  of(set: SelectionSetNode): number {
    const known = this.#counted.get(set);
    if (known !== undefined) return known;
    let total = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) total += this.#field(selection);
      else {
        const fragment = this.#document.fragmentOf(selection);
        if (fragment) total += this.of(fragment.selectionSet);
      }
    }
    const most = Math.min(total, Number.MAX_SAFE_INTEGER);
    this.#counted.set(set, most);
    return most;
  }

  #field(node: FieldNode): number {
    return node.selectionSet ? 1 + this.#length(node) * this.of(node.selectionSet) : 1;
  }

  #length(node: FieldNode): number {
    let length: number | undefined;
    for (const { name, value } of node.arguments ?? []) {
      if (!LENGTHS.has(name.value)) continue;
      const said = this.#number(value);
      if (said !== undefined) length = Math.max(length ?? 1, said);
    }
    return length ?? this.#defaults.get(node.name.value) ?? 1;
  }

  #number(value: ValueNode): number | undefined {
    const said = value.kind === Kind.VARIABLE ? this.#variables[value.name.value] : undefined;
    if (typeof said === 'number') return said;
    return value.kind === Kind.INT ? Number(value.value) : undefined;
  }
}
