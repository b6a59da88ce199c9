import { type ASTNode, type DocumentNode, Kind, visit } from 'graphql';

/** Compiled forms kept per plan, each for one truth of its conditions. */
export const MOST_VARIANTS = 16;

/** Bytes that were measured, rounded up: of a node without its location, and of a field's plan and compiled form. */
const OF_NODE = 150;
const OF_FIELD = 1_000;
/** Of a plan's decisions, and of what is kept beside it. */
const OF_PLAN = 8_000;

/**
 * What keeping a document may cost in bytes, its plan and all compiled forms included, whether they are made or not:
 * whoever sends it chooses.
 */
export function weightOf(text: string, document: DocumentNode): number {
  let nodes = 0;
  let fields = 0;
  let conditions = 0;
  visit(document, {
    enter(node: ASTNode) {
      nodes++;
      if (node.kind === Kind.FIELD) fields++;
      if (node.kind === Kind.DIRECTIVE && (node.name.value === 'skip' || node.name.value === 'include')) conditions++;
    },
  });
  const variants = Math.min(MOST_VARIANTS, 2 ** conditions);
  return OF_PLAN + 2 * text.length + OF_NODE * nodes + OF_FIELD * fields * variants;
}

/** Takes away where a document's nodes stood: half of what it weighs, and it keeps the text and all its tokens. */
export function withoutLocations(document: DocumentNode): void {
  visit(document, {
    enter(node: ASTNode) {
      (node as { loc?: unknown }).loc = undefined;
    },
  });
}
