import { UnfitServerError } from '../connections/errors';
import type { Ask, PreparedSession, Sessions } from '../connections/pool';
import { detectEngine, type EngineProfile, LIMIT_VARIABLES } from './engine-profiles';
import { serverFault } from './server-state';
import { serverValues } from './server-values';

/** Lock waits of the server that no one lengthens here. Seconds. */
const LONGEST_LOCK_WAIT_S = 50;

/** Prepares the sessions of a store's connections, in one place for every engine. */
export class StoreSessions implements Sessions {
  #engine: EngineProfile | undefined;

  /** Which engine its servers are. @throws {Error} before the first connection */
  get engine(): EngineProfile {
    if (!this.#engine) throw new Error('There has been no connection yet.');
    return this.#engine;
  }

  /**
   * Refuses a server whose settings would lose data, one of another engine than before, and among several hosts one
   * that takes no writes. Alone such a one may be read.
   */
  async prepare(ask: Ask, { statementMs, severalHosts }: Parameters<Sessions['prepare']>[1]): Promise<PreparedSession> {
    const [row] = await ask<Array<{ mode: string }>>('SELECT @@SESSION.sql_mode AS mode');
    // Without strict mode a server silently cuts values that are too long: sealed bytes would be lost.
    if (!/STRICT_(TRANS|ALL)_TABLES/.test(String(row?.mode))) {
      throw new UnfitServerError('has no STRICT_TRANS_TABLES in its sql_mode; set it there');
    }
    const engine = await detectEngine({ options: { type: 'mysql' }, query: ask });
    if (engine !== (this.#engine ?? engine)) throw new UnfitServerError('is of another engine than the others');
    const fault = severalHosts ? await serverFault({ query: ask }) : undefined;
    if (fault !== undefined) throw new UnfitServerError(fault);
    const limit = await limitOf(ask, engine);
    const settings = [...settingsOf(engine, statementMs), ...(limit ? [limit(statementMs)] : [])];
    if (settings.length > 0) await ask(`SET SESSION ${settings.join(', ')}`);
    const known = engine.endsSessions ? await sessionOf(ask) : undefined;
    this.#engine = engine;
    return {
      pipelines: engine.pipelines,
      ...(limit && { limitedTo: (milliseconds: number) => `SET SESSION ${limit(milliseconds)}` }),
      ...(known && { known }),
    };
  }
}

/** The setting by which a server ends statements that take longer than so many milliseconds, if it has one. */
async function limitOf(ask: Ask, engine: EngineProfile): Promise<((milliseconds: number) => string) | undefined> {
  if (engine.statementLimits.length === 0) return undefined;
  const values = await serverValues({ query: ask }, 'VARIABLES', engine.statementLimits);
  const variable = engine.statementLimits.find((name) => values[name] !== undefined);
  if (!variable) return undefined;
  const { perSecond } = LIMIT_VARIABLES[variable];
  return (milliseconds) => `${variable} = ${(Math.round(milliseconds) * perSecond) / 1_000}`;
}

/** How the server knows this session. */
async function sessionOf(ask: Ask): Promise<PreparedSession['known']> {
  const [row] = await ask<Array<{ id: number | string; peer: string }>>(
    'SELECT ID AS id, HOST AS peer FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()',
  );
  return row;
}

/** @param statementMs the limit of a statement: the server gives up waiting for a lock before it */
function settingsOf(engine: EngineProfile, statementMs: number): string[] {
  const lockWait = Math.min(Math.max(1, Math.floor(statementMs / 1_000) - 1), LONGEST_LOCK_WAIT_S);
  return [
    ...(engine.sessionSettings ? [`innodb_lock_wait_timeout = ${lockWait}`, `lock_wait_timeout = ${lockWait}`] : []),
    // Reads (1), updates and deletes (2) and inserts (4) see what was committed on any node before they began.
    ...(engine.causalReads ? ['wsrep_sync_wait = 7'] : []),
  ];
}
