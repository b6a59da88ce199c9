import { hash as digest } from 'node:crypto';

/*
 * Merkle trees by RFC 6962, section 2.1: a leaf is hashed after a byte 0x00 and a node after 0x01, so that neither can
 * pass for the other. Hashes are SHA-256, 32 bytes. Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
 */
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/**
 * The hash of a complete subtree over the leaves from `index · 2^level` up to, not including, `(index + 1) · 2^level`.
 */
export type NodeHashes = (level: number, index: number) => Promise<Buffer> | Buffer;

const HASH_BYTES = 32;

const emptyRoot = (): Buffer => sha256(Buffer.alloc(0));

export const hashLeaf = (content: Uint8Array): Buffer => sha256(Buffer.concat([LEAF, content]));

/** The same in base64url, as rows keep it. */
export function hashLeafText(content: Uint8Array): string {
  const length = content.length + 1;
  if (length > leaf.length) return digest('sha256', Buffer.concat([LEAF, content]), 'base64url');
  leaf.set(content, 1);
  return digest('sha256', leaf.subarray(0, length), 'base64url');
}

export function hashChildren(left: Uint8Array, right: Uint8Array): Buffer {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) return sha256(Buffer.concat([NODE, left, right]));
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

/** A shared buffer, since millions of nodes are hashed. */
const leaf = Buffer.concat([LEAF], 16 * 1024);
const node = Buffer.concat([NODE], 1 + 2 * HASH_BYTES);

/** Through a string, which takes half the time of the Buffer that Node makes of a digest. */
const sha256 = (content: Uint8Array): Buffer => Buffer.from(digest('sha256', content, 'hex'), 'hex');

/** A tree that grows leaf by leaf. It keeps only the roots of complete subtrees, log₂ of its size. */
export class GrowingTree {
  #size = 0;
  /** By level; there is a complete subtree where the size has a bit. */
  #roots: Buffer[] = [];

  get size(): number {
    return this.#size;
  }

  /**
   * @param leaf the leaf's hash
   * @param completes told of the root of each larger subtree that the leaf completes, by its level
   */
  append(leaf: Buffer, completes?: (root: Buffer, level: number) => void): void {
    this.appendSubtree(leaf, 0, completes);
  }

  /**
   * Appends 2^level leaves at once, by the root of their subtree.
   * @throws {RangeError} where the tree's size is no multiple of that
   */
  appendSubtree(root: Buffer, level: number, completes?: (root: Buffer, level: number) => void): void {
    const leaves = 2 ** level;
    if (this.#size % leaves !== 0) throw new RangeError(`no subtree of ${leaves} leaves begins at ${this.#size}`);
    let hash = root;
    let at = level;
    while (Math.floor(this.#size / 2 ** at) % 2 === 1) {
      hash = hashChildren(this.#roots[at] ?? emptyRoot(), hash);
      at++;
      completes?.(hash, at);
    }
    this.#roots[at] = hash;
    this.#size += leaves;
  }

  root(): Buffer {
    let root: Buffer | undefined;
    for (const [level, subtree] of this.#roots.entries()) {
      if (Math.floor(this.#size / 2 ** level) % 2 === 1) root = root ? hashChildren(subtree, root) : subtree;
    }
    return root ?? emptyRoot();
  }

  /** An independent copy. */
  clone(): GrowingTree {
    const copy = new GrowingTree();
    copy.#size = this.#size;
    copy.#roots = [...this.#roots];
    return copy;
  }
}

export function rootOf(leaves: readonly Buffer[]): Buffer {
  const tree = new GrowingTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

/** The hashes of complete subtrees over leaves in memory. */
export function nodesOf(leaves: readonly Buffer[]): NodeHashes {
  return (level, index) => rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
}

/**
 * The audit path of a leaf (RFC 6962, section 2.1.1), from the leaf up.
 * @param size of the tree that it is proven for
 * @throws {RangeError} where the tree has no such leaf
 */
export async function inclusionProof(nodes: NodeHashes, index: number, size: number): Promise<Buffer[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const path: Buffer[] = [];
  let [low, high] = [0, size];
  while (high - low > 1) {
    const middle = low + split(high - low);
    if (index < middle) {
      path.unshift(await rangeHash(nodes, middle, high));
      high = middle;
    } else {
      path.unshift(await rangeHash(nodes, low, middle));
      low = middle;
    }
  }
  return path;
}

/**
 * Proves that a tree extends an earlier one (RFC 6962, section 2.1.2); empty where either tree is empty or both are the
 * same.
 * @throws {RangeError} where the earlier one is larger
 */
export async function consistencyProof(nodes: NodeHashes, earlier: number, size: number): Promise<Buffer[]> {
  if (!(earlier >= 0 && earlier <= size)) throw new RangeError(`no tree of ${earlier} leaves is within one of ${size}`);
  if (earlier === 0 || earlier === size) return [];
  const proof: Buffer[] = [];
  let [low, high, whole] = [0, size, true];
  while (earlier !== high) {
    const middle = low + split(high - low);
    if (earlier <= middle) {
      proof.unshift(await rangeHash(nodes, middle, high));
      high = middle;
    } else {
      proof.unshift(await rangeHash(nodes, low, middle));
      low = middle;
      whole = false;
    }
  }
  if (!whole) proof.unshift(await rangeHash(nodes, low, high));
  return proof;
}

/** Whether a leaf is the `index`-th of the tree that has this size and root. */
export function verifyInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
  root: Buffer,
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  let [at, last] = [index, size - 1];
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = hashChildren(sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = hashChildren(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && hash.equals(root);
}

/** Whether the tree of `size` leaves begins with all leaves of the earlier tree. */
export function verifyConsistency(
  earlier: number,
  size: number,
  earlierRoot: Buffer,
  root: Buffer,
  proof: readonly Buffer[],
): boolean {
  if (!Number.isSafeInteger(earlier) || earlier < 0 || earlier > size) return false;
  if (earlier === 0) return proof.length === 0 && earlierRoot.equals(emptyRoot());
  if (earlier === size) return proof.length === 0 && earlierRoot.equals(root);
  const path = Number.isInteger(Math.log2(earlier)) ? [earlierRoot, ...proof] : [...proof];
  let [at, last] = [earlier - 1, size - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  const first = path.shift();
  if (!first) return false;
  let [before, now] = [first, first];
  for (const hash of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      before = hashChildren(hash, before);
      now = hashChildren(hash, now);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      now = hashChildren(now, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && before.equals(earlierRoot) && now.equals(root);
}

async function rangeHash(nodes: NodeHashes, low: number, high: number): Promise<Buffer> {
  const leaves = high - low;
  const level = Math.log2(leaves);
  if (Number.isInteger(level) && low % leaves === 0) return nodes(level, low / leaves);
  const middle = low + split(leaves);
  return hashChildren(await rangeHash(nodes, low, middle), await rangeHash(nodes, middle, high));
}

/** The largest power of two below `leaves`. */
const split = (leaves: number): number => 2 ** (Math.ceil(Math.log2(leaves)) - 1);

const half = (index: number): number => Math.floor(index / 2);
