import { type GraphQLSchema, Kind, type SelectionSetNode } from 'graphql';
import type { ExecutableDocument } from './executable-document';

/** Root fields that a title names; of more it says that there are. */
const MOST_FIELDS = 5;
const introspection: ReadonlySet<string> = new Set(['__schema', '__type', '__typename']);

/**
 * What an operation is called where it is kept: its kind and the root fields that it asks for, as the schema names them.
 * What its caller calls it is not in it: a name may be a person's, and a log is no place to keep one.
 * @returns undefined where the document does not have the operation, or it asks for nothing that the schema knows
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

/** Of a document that nobody may have validated: a fragment is looked at once, whatever spreads it. */
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
