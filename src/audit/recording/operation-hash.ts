import { createHash } from 'node:crypto';
import { type ASTNode, type DocumentNode, Kind, parse, print } from 'graphql';

const hashes = new WeakMap<DocumentNode, string>();

/**
 * The SHA-256 of an operation's text without its literals, in base64url. The same query about two people has one hash,
 * which tells nothing about either. Enum values and booleans stay: they are the schema's.
 */
export function operationHash(document: DocumentNode): string {
  const known = hashes.get(document);
  if (known !== undefined) return known;
  const hash = createHash('sha256')
    .update(print(withoutLiterals(document)))
    .digest('base64url');
  hashes.set(document, hash);
  return hash;
}

/** As {@link operationHash}, for a text; undefined where it is not a document. */
export function hashOfText(text: string, maxTokens: number): string | undefined {
  try {
    return operationHash(parse(text, { maxTokens, noLocation: true }));
  } catch {
    return undefined;
  }
}

function withoutLiterals(node: ASTNode): ASTNode {
  if (node.kind === Kind.INT || node.kind === Kind.FLOAT) return { kind: node.kind, value: '0' };
  if (node.kind === Kind.STRING) return { kind: node.kind, value: '' };
  // The length of a list would tell something too.
  if (node.kind === Kind.LIST) return { kind: node.kind, values: [] };
  const copy: Record<string, unknown> = { ...node, loc: undefined };
  for (const [name, part] of Object.entries(copy)) {
    if (Array.isArray(part)) copy[name] = part.map(withoutLiterals);
    else if (typeof part === 'object' && part !== null) copy[name] = withoutLiterals(part as ASTNode);
  }
  return copy as unknown as ASTNode;
}
