import { type DocumentNode, Kind } from 'graphql';
import { eachNode } from './nodes';

/** Compiled forms kept per plan, one for each combination of its @skip and @include conditions. */
export const MOST_VARIANTS = 16;

/** Measured bytes, rounded up: of a node without its location, and of a field's plan and compiled form. */
const OF_NODE = 150;
const OF_FIELD = 1_000;
/** The same of a plan's decisions, and of what is kept with it. */
const OF_PLAN = 8_000;

/**
 * The bytes that keeping a document may take, with its plan and all compiled forms, even those not made yet: the
 * sender decides which are made.
 */
export function weightOf(text: string, document: DocumentNode): number {
  let nodes = 0;
  let fields = 0;
  let conditions = 0;
  eachNode(document, (node) => {
    nodes++;
    if (node.kind === Kind.FIELD) fields++;
    if (node.kind === Kind.DIRECTIVE && (node.name.value === 'skip' || node.name.value === 'include')) conditions++;
  });
  const variants = Math.min(MOST_VARIANTS, 2 ** conditions);
  return OF_PLAN + 2 * text.length + OF_NODE * nodes + OF_FIELD * fields * variants;
}

/** Removes the locations of a document's nodes: half of its size, and they keep text and tokens alive. */
export function withoutLocations(document: DocumentNode): void {
  eachNode(document, (node) => {
    (node as { loc?: unknown }).loc = undefined;
  });
}
