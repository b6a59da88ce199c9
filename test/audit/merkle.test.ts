import fc from 'fast-check';
import {
  consistencyProof,
  GrowingTree,
  hashChildren,
  hashLeaf,
  inclusionProof,
  nodesOf,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../src/audit/log/merkle';
import { hashesOf, type Tile, TileCutter } from '../../src/audit/log/tiles';

/** The vectors of Certificate Transparency's own tests (RFC 6962 trees of 0 to 8 leaves). */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const inclusions: ReadonlyArray<readonly [leaf: number, size: number, proof: readonly string[]]> = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [3, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    2,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];
const consistencies: ReadonlyArray<readonly [earlier: number, size: number, proof: readonly string[]]> = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];
const leaves = inputs.map((hex) => hashLeaf(Buffer.from(hex, 'hex')));
const hex = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('hex'));
const bytes = (hashes: readonly string[]): Buffer[] => hashes.map((hash) => Buffer.from(hash, 'hex'));
const rootAt = (size: number): Buffer => Buffer.from(roots[size] ?? '', 'hex');

describe('RFC 6962 trees of 0 to 8 leaves', () => {
  test.each(roots.map((root, size) => [size, root] as const))('the root of %i leaves', (size, root) => {
    expect(rootOf(leaves.slice(0, size)).toString('hex')).toBe(root);
  });

  test.each(inclusions)('leaf %i of %i', async (leaf, size, proof) => {
    expect(hex(await inclusionProof(nodesOf(leaves), leaf - 1, size))).toEqual(proof);
    const hash = leaves[leaf - 1] ?? Buffer.alloc(0);
    expect(verifyInclusion(hash, leaf - 1, size, bytes(proof), rootAt(size))).toBe(true);
  });

  test.each(consistencies)('%i leaves within %i', async (earlier, size, proof) => {
    expect(hex(await consistencyProof(nodesOf(leaves), earlier, size))).toEqual(proof);
    expect(verifyConsistency(earlier, size, rootAt(earlier), rootAt(size), bytes(proof))).toBe(true);
  });

  test('every leaf of every tree, and every pair of trees', async () => {
    for (let size = 0; size <= 8; size++) {
      for (let index = 0; index < size; index++) {
        const proof = await inclusionProof(nodesOf(leaves), index, size);
        expect(verifyInclusion(leaves[index] ?? Buffer.alloc(0), index, size, proof, rootAt(size))).toBe(true);
      }
      for (let earlier = 0; earlier <= size; earlier++) {
        const proof = await consistencyProof(nodesOf(leaves), earlier, size);
        expect(verifyConsistency(earlier, size, rootAt(earlier), rootAt(size), proof)).toBe(true);
      }
    }
  });

  test('what is not in a tree has no proof', async () => {
    await expect(inclusionProof(nodesOf(leaves), 8, 8)).rejects.toThrow(RangeError);
    await expect(inclusionProof(nodesOf(leaves), 0, 0)).rejects.toThrow(RangeError);
    await expect(consistencyProof(nodesOf(leaves), 9, 8)).rejects.toThrow(RangeError);
    expect(verifyInclusion(rootAt(1), 0, 0, [], rootAt(0))).toBe(false);
    expect(verifyConsistency(0, 3, rootAt(1), rootAt(3), [])).toBe(false);
  });
});

describe('trees to 2,000 leaves', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => hashLeaf(Buffer.from(`entry ${index}`)));
  // Complete subtrees, each hashed once.
  const known = new Map<string, Buffer>();
  const nodes = (level: number, index: number): Buffer => {
    const key = `${level} ${index}`;
    const hash =
      known.get(key) ??
      (level === 0
        ? (many[index] ?? Buffer.alloc(0))
        : hashChildren(nodes(level - 1, 2 * index), nodes(level - 1, 2 * index + 1)));
    known.set(key, hash);
    return hash;
  };
  const size = fc.integer({ min: 1, max: 2_000 });
  const place = size.chain((of) => fc.record({ of: fc.constant(of), at: fc.integer({ min: 0, max: of - 1 }) }));

  /** The definition of RFC 6962, section 2.1, as it stands there. */
  function defined(hashes: readonly Buffer[]): Buffer {
    if (hashes.length <= 1) return hashes[0] ?? rootOf([]);
    const k = 2 ** Math.floor(Math.log2(hashes.length - 1));
    return hashChildren(defined(hashes.slice(0, k)), defined(hashes.slice(k)));
  }

  test('a growing tree has the root that the definition gives', () => {
    fc.assert(
      fc.property(size, (of) => {
        expect(rootOf(many.slice(0, of))).toEqual(defined(many.slice(0, of)));
      }),
      { numRuns: 60 },
    );
  });

  test('appending whole subtrees gives the root that appending their leaves gives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 255 }), (tiles, rest) => {
        const tree = new GrowingTree();
        for (let tile = 0; tile < tiles; tile++) tree.appendSubtree(nodes(8, tile), 8);
        for (const leaf of many.slice(tiles * 256, tiles * 256 + rest)) tree.append(leaf);
        expect(tree.size).toBe(Math.min(2_000, tiles * 256 + rest));
        expect(tree.root()).toEqual(rootOf(many.slice(0, tiles * 256 + rest)));
      }),
      { numRuns: 60 },
    );
    const odd = new GrowingTree();
    odd.append(nodes(0, 0));
    expect(() => odd.appendSubtree(nodes(8, 0), 8)).toThrow(RangeError);
  });

  test('a leaf is proven at its place, and nowhere else', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.nat(), async ({ of, at }, salt) => {
        const root = rootOf(many.slice(0, of));
        const leaf = nodes(0, at);
        const proof = await inclusionProof(nodes, at, of);
        expect(verifyInclusion(leaf, at, of, proof, root)).toBe(true);
        const elsewhere = salt % of;
        expect(verifyInclusion(leaf, elsewhere, of, proof, root)).toBe(elsewhere === at);
        expect(verifyInclusion(hashLeaf(Buffer.from('another')), at, of, proof, root)).toBe(false);
        expect(verifyInclusion(leaf, at, of, [...proof, root], root)).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(leaf, at, of, proof.slice(1), root)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('a tree is proven to begin with an earlier one, and with no other', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ of, at }) => {
        const [earlier, root] = [rootOf(many.slice(0, at)), rootOf(many.slice(0, of))];
        const proof = await consistencyProof(nodes, at, of);
        expect(verifyConsistency(at, of, earlier, root, proof)).toBe(true);
        const forged = rootOf([...many.slice(0, Math.max(0, at - 1)), hashLeaf(Buffer.from('forged'))]);
        expect(verifyConsistency(at, of, forged, root, proof)).toBe(false);
        expect(verifyConsistency(at, of, earlier, forged, proof)).toBe(at === 0);
        expect(verifyConsistency(at, of, earlier, root, [...proof, root])).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

test('tiles are cut from what the tree hashes anyway', () => {
  const leaves = Array.from({ length: 256 * 256 + 300 }, (_, index) => hashLeaf(Buffer.from(`${index}`)));
  const tree = new GrowingTree();
  const cutter = new TileCutter();
  const tiles: Tile[] = [];
  const completes = (root: Buffer, level: number) => tiles.push(...[cutter.push(root, level) ?? []].flat());
  for (const leaf of leaves) {
    completes(leaf, 0);
    tree.append(leaf, completes);
  }
  const upper = tiles.filter(({ level }) => level === 1);
  const lower = tiles.filter(({ level }) => level === 0);
  expect(lower.map(({ index }) => index)).toEqual(Array.from({ length: 257 }, (_, index) => index));
  expect(Buffer.concat(lower.map(({ hashes }) => hashes)).equals(Buffer.concat(leaves.slice(0, 257 * 256)))).toBe(true);
  expect(upper.map(({ index }) => index)).toEqual([0]);
  const roots = lower.slice(0, 256).map(({ hashes }) => rootOf(hashesOf(hashes)));
  expect(upper[0]?.hashes.equals(Buffer.concat(roots))).toBe(true);
  expect(tree.root().equals(rootOf(leaves))).toBe(true);
});
