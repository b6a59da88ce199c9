import type { DataSource } from 'typeorm';

/** The current connections of a pool. */
export interface PoolCounts {
  readonly used: number;
  readonly idle: number;
  readonly waiting: number;
  readonly limit: number;
}

/** Internal fields of mysql2's pool. A test checks that they exist. */
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
