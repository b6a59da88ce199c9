import { type DocumentNode, Kind } from 'graphql';
import type { ExecutableDocument } from './executable-document';
import { eachNode } from './nodes';

/** Compiled forms kept per plan, one for each combination of its @skip and @include conditions. */
export const MOST_VARIANTS = 16;

/** Measured bytes, rounded up: of a node without its location, and of a field's plan and compiled form. */
const OF_NODE = 150;
const OF_FIELD = 1_000;
/** The same of a field in a writer, of what was decided about a field, and of what is kept with each. */
const OF_WRITTEN_FIELD = 600;
const OF_VERDICT = 800;
const OF_ENTRY = 1_000;
/** The same of what is kept with a plan. */
const OF_PLAN = 8_000;

export const weightOfWriter = (fields: number): number => OF_ENTRY + OF_WRITTEN_FIELD * fields;
export const weightOfDecision = (reached: number): number => OF_ENTRY + OF_VERDICT * reached;

/**
 * The bytes that keeping a document may take, with its plan and all compiled forms, even those not made yet: the
 * sender decides which are made. Decisions and writers are weighed as they are made, since callers differ.
 */
export function weightOf(text: string, document: ExecutableDocument): number {
  let nodes = 0;
  let conditions = 0;
  eachNode(document.node, (node) => {
    nodes++;
    if (node.kind === Kind.DIRECTIVE && (node.name.value === 'skip' || node.name.value === 'include')) conditions++;
  });
  const variants = Math.min(MOST_VARIANTS, 2 ** conditions);
  // Forms are compiled of what fragments expand to.
  const fields = document.operations.reduce((sum, operation) => sum + (document.fields.get(operation) ?? 0), 0);
  return OF_PLAN + 2 * text.length + OF_NODE * nodes + OF_FIELD * fields * variants;
}

/** Removes the locations of a document's nodes: half of its size, and they keep text and tokens alive. */
export function withoutLocations(document: DocumentNode): void {
  eachNode(document, (node) => {
    (node as { loc?: unknown }).loc = undefined;
  });
}
