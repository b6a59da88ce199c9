import { createHash } from 'node:crypto';
import { type DocumentNode, Kind, parse, print, visit } from 'graphql';

const hashes = new WeakMap<DocumentNode, string>();

/**
 * The SHA-256 of an operation's text without its literals, in base64url. The same query about two people has one hash,
 * which tells nothing about either. Enum values and booleans stay: they are the schema's.
 */
export function operationHash(document: DocumentNode): string {
  const known = hashes.get(document);
  if (known !== undefined) return known;
  const bare = visit(document, {
    enter(node) {
      if (node.kind === Kind.INT || node.kind === Kind.FLOAT) return { ...node, value: '0' };
      if (node.kind === Kind.STRING) return { ...node, value: '', block: false };
      // The length of a list would tell something too.
      return node.kind === Kind.LIST ? { ...node, values: [] } : undefined;
    },
  });
  const hash = createHash('sha256').update(print(bare)).digest('base64url');
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
