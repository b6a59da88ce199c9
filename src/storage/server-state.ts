import type { Ask } from '../connections/pool';

/** What a server says when it takes no writes, by name. A server of another kind has none of them. */
const variables = ['read_only', 'super_read_only', 'innodb_read_only', 'tidb_super_read_only', 'offline_mode'];
const states = ['wsrep_ready', 'wsrep_cluster_status'];

/**
 * Why a server takes no writes now, in words that go after its name; undefined where it does.
 * @param ask runs a statement on it
 */
export async function serverFault(ask: Ask): Promise<string | undefined> {
  const listed = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
  const rows = [
    ...(await ask<Setting[]>(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${listed(variables)})`)),
    ...(await ask<Setting[]>(`SHOW GLOBAL STATUS WHERE Variable_name IN (${listed(states)})`)),
  ];
  return faultIn(new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value.toLowerCase()])));
}

interface Setting {
  readonly Variable_name: string;
  readonly Value: string;
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
