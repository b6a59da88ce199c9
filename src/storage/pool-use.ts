import type { DataSource } from 'typeorm';

/** Connections of one pool, now. */
export interface PoolCounts {
  readonly used: number;
  readonly idle: number;
  readonly waiting: number;
  readonly limit: number;
}

/** What mysql2 keeps of a pool under these names; a test holds that it does. */
interface Counted {
  readonly _allConnections: { readonly length: number };
  readonly _freeConnections: { readonly length: number };
  readonly _connectionQueue: { readonly length: number };
}

/** @returns undefined for the embedded database, which has no pool */
export function poolCounts({ driver, options }: DataSource): PoolCounts | undefined {
  const { pool } = driver as { pool?: Counted };
  if (!pool) return undefined;
  const idle = pool._freeConnections.length;
  return {
    used: pool._allConnections.length - idle,
    idle,
    waiting: pool._connectionQueue.length,
    limit: 'poolSize' in options ? Number(options.poolSize) : 0,
  };
}
