import { type GraphQLSchema, Kind, type SelectionSetNode } from 'graphql';
import type { ExecutableDocument } from './executable-document';

/** Root fields that a title names; more are shown as an ellipsis. */
const MOST_FIELDS = 5;
const introspection: ReadonlySet<string> = new Set(['__schema', '__type', '__typename']);

/**
 * A title of an operation for logs: its kind and its root fields. The caller's own name for it is left out, since it
 * may contain personal data.
 * @returns undefined if the document does not have the operation, or none of its fields are in the schema
 */
export function operationTitle(
  schema: GraphQLSchema,
  document: ExecutableDocument,
  operationName: string | null | undefined,
): string | undefined {
  const operation = document.operations.find((node) => !operationName || node.name?.value === operationName);
  if (!operation) return undefined;
  const known = schema.getRootType(operation.operation)?.getFields() ?? {};
  const isKnown = (name: string) => Object.hasOwn(known, name) || introspection.has(name);
  const asked = [...rootFields(document, operation.selectionSet)].filter(isKnown).sort();
  if (asked.length === 0) return undefined;
  const more = asked.length > MOST_FIELDS ? ', …' : '';
  return `${operation.operation} ${asked.slice(0, MOST_FIELDS).join(', ')}${more}`;
}

/** The document may not be valid, so each fragment is visited once: it may spread itself. */
function rootFields(document: ExecutableDocument, root: SelectionSetNode): Set<string> {
  const names = new Set<string>();
  const sets = new Set([root]);
  for (const { selections } of sets) {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) names.add(selection.name.value);
      else {
        const fragment = document.fragmentOf(selection);
        if (fragment) sets.add(fragment.selectionSet);
      }
    }
  }
  return names;
}
