import type { DataSource } from 'typeorm';
import { dialectOf } from './dialect';
import { serverFault } from './server-state';
import { runStatement } from './statements';

/** How long a database may take to say how it is. Milliseconds. */
const PATIENCE_MS = 3_000;
/** Galera's error outside of the primary component: WSREP has not yet prepared node for application use. */
const NOT_PREPARED = 1047;

/**
 * Why a database can serve no request now, in words that go after its name; undefined where it can. It asks by the way
 * that requests go: the same pool, the same limits. It never throws.
 */
export function faultOf(source: DataSource): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS, `does not answer within ${PATIENCE_MS / 1_000} s`);
    void asked(source).then((fault) => {
      clearTimeout(timer);
      resolve(fault);
    });
  });
}

async function asked(source: DataSource): Promise<string | undefined> {
  try {
    if (!dialectOf(source).embedded)
      return await serverFault({ query: (sql: string) => runStatement(source, sql, []) });
    await runStatement(source, 'SELECT 1', []);
    return undefined;
  } catch (error) {
    const { errno } = (error as { driverError?: { errno?: number } }).driverError ?? {};
    return errno === NOT_PREPARED ? 'is cut off from its cluster' : 'does not answer';
  }
}
