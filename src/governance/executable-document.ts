import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  GraphQLError,
  type InlineFragmentNode,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';

/** A document with its operations and fragments looked up once, for everything that walks it. */
export class ExecutableDocument {
  readonly node: DocumentNode;
  /** Operations and fragments in the order of the text, including those whose names repeat. */
  readonly definitions: ReadonlyArray<OperationDefinitionNode | FragmentDefinitionNode>;
  readonly operations: readonly OperationDefinitionNode[];
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** The fields of each operation and fragment, with fragments expanded, once its limits have been checked. */
  readonly fields = new Map<OperationDefinitionNode | FragmentDefinitionNode, number>();
  /** What is kept for its operations besides what it is weighed with beforehand. Bytes. */
  readonly kept: Array<{ readonly weight: number }> = [];

  constructor(node: DocumentNode) {
    this.node = node;
    this.definitions = node.definitions.filter(
      (definition): definition is OperationDefinitionNode | FragmentDefinitionNode => 'selectionSet' in definition,
    );
    this.operations = this.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
    const fragments = this.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
  }

  /** The inline fragment itself, or the fragment that is named; undefined if there is none. */
  fragmentOf(
    selection: FragmentSpreadNode | InlineFragmentNode,
  ): FragmentDefinitionNode | InlineFragmentNode | undefined {
    return selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value);
  }

  /**
   * The operation with the name, or the only one if no name is given.
   * @throws {GraphQLError} code OPERATION_RESOLUTION_FAILURE
   */
  operation(name: string | null | undefined): OperationDefinitionNode {
    const [only, another] = this.operations;
    if (name) {
      const named = this.operations.find((node) => node.name?.value === name);
      if (!named) throw unresolved('Unknown operation name.');
      return named;
    }
    if (!only) throw unresolved('Must provide an operation.');
    if (another) throw unresolved('Must provide operation name if query contains multiple operations.');
    return only;
  }
}

const unresolved = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
