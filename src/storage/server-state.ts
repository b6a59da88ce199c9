import type { DataSource } from 'typeorm';
import { serverValues } from './server-values';

/** Settings of a server that takes no writes. One of another kind has none of them. */
const closing = ['read_only', 'super_read_only', 'innodb_read_only', 'tidb_super_read_only', 'offline_mode'] as const;

/** Why a server takes no writes now, in words that go after its name; undefined where it does. */
export async function serverFault(source: Pick<DataSource, 'query'>): Promise<string | undefined> {
  const variables = await serverValues(source, 'VARIABLES', closing);
  const status = await serverValues(source, 'STATUS', ['wsrep_ready', 'wsrep_cluster_status']);
  const cluster = status.wsrep_cluster_status?.toLowerCase();
  // Without a cluster MariaDB says `disconnected` and OFF.
  if (cluster !== undefined && cluster !== 'disconnected') {
    if (cluster !== 'primary') return `is cut off from its cluster (wsrep_cluster_status is ${cluster})`;
    if (status.wsrep_ready !== 'ON') return 'is not ready in its cluster (wsrep_ready is OFF)';
  }
  const on = closing.find((name) => !['OFF', '0', undefined].includes(variables[name]?.toUpperCase()));
  return on && `is ${on === 'offline_mode' ? 'offline' : 'read-only'} (${on} is ${variables[on]})`;
}
