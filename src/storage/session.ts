import { detectEngine, type EngineProfile } from './engine-profiles';
import type { Ask } from './server-state';

/** Lock waits of the server that no one lengthens here. Seconds. */
const LONGEST_LOCK_WAIT_S = 50;

/**
 * Prepares the session of a new connection, in one place for every engine.
 * @param statementMs the limit of a statement: the server gives up waiting for a lock before it, and frees its own locks
 * @returns which engine answers
 * @throws {Error} in words that go after the server's name, where its settings would lose data
 */
export async function prepareSession(ask: Ask, statementMs: number): Promise<EngineProfile> {
  const [row] = await ask<Array<{ mode: string }>>('SELECT @@SESSION.sql_mode AS mode');
  // Without strict mode a server silently cuts values that are too long: sealed bytes would be lost.
  if (!/STRICT_(TRANS|ALL)_TABLES/.test(String(row?.mode))) {
    throw new UnfitServerError('has no STRICT_TRANS_TABLES in its sql_mode; set it there');
  }
  const engine = await detectEngine({ options: { type: 'mysql' }, query: ask });
  const settings = settingsOf(engine, statementMs);
  if (settings.length > 0) await ask(`SET SESSION ${settings.join(', ')}`);
  return engine;
}

/** A server must not be used as it is. Its message goes after the server's name. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
  readonly code = 'STORE_UNAVAILABLE';

  of(server: string): UnfitServerError {
    return new UnfitServerError(`${server} ${this.message}`);
  }
}

function settingsOf(engine: EngineProfile, statementMs: number): string[] {
  const lockWait = Math.min(Math.max(1, Math.floor(statementMs / 1_000) - 1), LONGEST_LOCK_WAIT_S);
  return [
    ...(engine.sessionSettings ? [`innodb_lock_wait_timeout = ${lockWait}`, `lock_wait_timeout = ${lockWait}`] : []),
    // Reads (1), updates and deletes (2) and inserts (4) see what was committed on any node before they began.
    ...(engine.causalReads ? ['wsrep_sync_wait = 7'] : []),
  ];
}
