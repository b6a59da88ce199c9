import type { DataSource } from 'typeorm';
import { dialectOf } from './dialect';
import { runStatement } from './statements';

/** How long a database may take to say how it is. Milliseconds. */
const PATIENCE_MS = 3_000;

/** What a server says when it takes no writes, by lower-case name and value. Absent: a server of another kind. */
const variables = ['read_only', 'super_read_only', 'innodb_read_only', 'tidb_super_read_only', 'offline_mode'];
const states = ['wsrep_ready', 'wsrep_cluster_status'];

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
    if (!dialectOf(source).embedded) return faultIn(await settingsOf(source));
    await runStatement(source, 'SELECT 1', []);
    return undefined;
  } catch (error) {
    return cutOff(error) ? 'is cut off from its cluster' : 'does not answer';
  }
}

function faultIn(settings: ReadonlyMap<string, string>): string | undefined {
  const clusterStatus = settings.get('wsrep_cluster_status');
  // Without a cluster MariaDB says `disconnected` and OFF.
  if (clusterStatus !== undefined && clusterStatus !== 'disconnected') {
    if (clusterStatus !== 'primary') return `is cut off from its cluster (wsrep_cluster_status is ${clusterStatus})`;
    if (settings.get('wsrep_ready') !== 'on') return 'is not ready in its cluster (wsrep_ready is OFF)';
  }
  const on = variables.find((name) => !['off', '0', undefined].includes(settings.get(name)));
  if (on === undefined) return undefined;
  return `is ${on === 'offline_mode' ? 'offline' : 'read-only'} (${on} is ${settings.get(on)?.toUpperCase()})`;
}

async function settingsOf(source: DataSource): Promise<ReadonlyMap<string, string>> {
  const listed = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
  const rows = await Promise.all([
    show(source, `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${listed(variables)})`),
    show(source, `SHOW GLOBAL STATUS WHERE Variable_name IN (${listed(states)})`),
  ]);
  return new Map(rows.flat().map((row) => [row.Variable_name.toLowerCase(), row.Value.toLowerCase()]));
}

function show(source: DataSource, sql: string): Promise<Array<{ Variable_name: string; Value: string }>> {
  return runStatement(source, sql, []);
}

/** Galera's answer outside of the primary component: WSREP has not yet prepared node for application use. */
function cutOff(error: unknown): boolean {
  return (error as { driverError?: { errno?: number } }).driverError?.errno === 1047;
}
