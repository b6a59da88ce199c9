import type { DataSource } from 'typeorm';
import { type PoolCounts, StorePool } from '../connections/pool';
import { dialectOf } from './dialect';
import { ENGINE_PROFILES, type EngineProfile } from './engine-profiles';
import type { StoreSessions } from './session';

/** @returns undefined for the embedded database, which has no pool, and for a closed one */
export function poolOf({ driver }: DataSource): StorePool<StoreSessions> | undefined {
  const { pool } = driver as { pool?: unknown };
  return pool instanceof StorePool ? pool : undefined;
}

/** @returns undefined for the embedded database, which has no pool */
export function poolCounts(source: DataSource): PoolCounts | undefined {
  return poolOf(source)?.counts();
}

/**
 * Which engine a database is. Every connection is checked for it, so asking costs nothing.
 * @throws {Error} where the database is closed
 */
export function engineOf(source: DataSource): EngineProfile {
  if (dialectOf(source).embedded) return ENGINE_PROFILES.sqlite;
  const pool = poolOf(source);
  if (!pool) throw new Error('The database is closed.');
  return pool.sessions.engine;
}
