export const TILE_LEAVES = 256;
/** Levels of the tree that one tile spans. */
export const TILE_HEIGHT = 8;

/** A full tile: 256 hashes. Level 0 holds leaves, level 1 the roots of level 0's tiles, and so on. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Buffer;
}

/** Cuts a growing log into tiles (C2SP tlog-tiles). */
export class TileCutter {
  readonly #pending: Buffer[][] = [];
  readonly #cut: number[] = [];

  /**
   * Takes the next complete subtree of a level of the tree: a leaf, or what a leaf has completed.
   * @returns the tile that it completes; levels between those of tiles have none
   */
  push(hash: Buffer, treeLevel: number): Tile | undefined {
    if (treeLevel % TILE_HEIGHT !== 0) return undefined;
    const level = treeLevel / TILE_HEIGHT;
    const pending = this.#pending[level] ?? [];
    this.#pending[level] = pending;
    pending.push(hash);
    if (pending.length < TILE_LEAVES) return undefined;
    const index = this.#cut[level] ?? 0;
    this.#cut[level] = index + 1;
    this.#pending[level] = [];
    return { level, index, hashes: Buffer.concat(pending) };
  }
}

export function hashesOf(tile: Buffer): Buffer[] {
  return Array.from({ length: tile.length / 32 }, (_, index) => tile.subarray(index * 32, (index + 1) * 32));
}
