import { rootOf } from './merkle';

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

  /** @returns the tiles that this leaf completes */
  push(leaf: Buffer): Tile[] {
    const full: Tile[] = [];
    let hash = leaf;
    for (let level = 0; ; level++) {
      this.#pending[level] ??= [];
      const pending = this.#pending[level] ?? [];
      pending.push(hash);
      if (pending.length < TILE_LEAVES) return full;
      const index = this.#cut[level] ?? 0;
      full.push({ level, index, hashes: Buffer.concat(pending) });
      this.#cut[level] = index + 1;
      this.#pending[level] = [];
      hash = rootOf(pending);
    }
  }
}

export function hashesOf(tile: Buffer): Buffer[] {
  return Array.from({ length: tile.length / 32 }, (_, index) => tile.subarray(index * 32, (index + 1) * 32));
}
