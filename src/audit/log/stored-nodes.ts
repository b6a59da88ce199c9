import type { DataSource } from 'typeorm';
import { Remembered } from '../../storage/remembered';
import { hashChildren, type NodeHashes, rootOf } from './merkle';
import { hashesOf, TILE_HEIGHT, TILE_LEAVES } from './tiles';

/**
 * The hashes of a stored log's complete subtrees, for proofs: from tiles where there are any, otherwise from the leaf
 * hashes of the entries.
 */
export function storedNodes(source: DataSource, logId: string): NodeHashes {
  const levels = new Remembered(async (level: number) => new Remembered((index: number) => readTile(level, index)));
  const tile = async (level: number, index: number) => (await levels.get(level)).get(index);

  async function readTile(level: number, index: number): Promise<readonly Buffer[]> {
    const [row] = await source.query<Array<{ hashes: Buffer }>>(
      'SELECT hashes FROM audit_tile WHERE log_id = ? AND level = ? AND tile_index = ?',
      [logId, level, index],
    );
    if (row) return hashesOf(row.hashes);
    if (level > 0) return [];
    const from = index * TILE_LEAVES;
    const leaves = await source.query<Array<{ leaf_hash: string }>>(
      'SELECT leaf_hash FROM audit_entry WHERE log_id = ? AND sequence >= ? AND sequence < ? ORDER BY sequence',
      [logId, from, from + TILE_LEAVES],
    );
    return leaves.map(({ leaf_hash: hash }) => Buffer.from(hash, 'base64url'));
  }

  return async function node(level: number, index: number): Promise<Buffer> {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const width = 2 ** (level % TILE_HEIGHT);
    const hashes = await tile(tileLevel, Math.floor((index * width) / TILE_LEAVES));
    const from = (index * width) % TILE_LEAVES;
    const part = hashes.slice(from, from + width);
    if (part.length === width) return rootOf(part);
    if (level === 0) throw new RangeError(`log ${logId} has no entry ${index}`);
    return hashChildren(await node(level - 1, 2 * index), await node(level - 1, 2 * index + 1));
  };
}
