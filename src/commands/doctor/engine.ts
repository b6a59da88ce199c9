import type { DataSource } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { detectEngine, engineNameOf } from '../../storage/engine-profiles';
import { serverValues } from '../../storage/server-values';
import { attention, type Check, type Finding, fault, ok } from './finding';
import type { Store } from './patient';

const SETTINGS = [
  ...['version', 'transaction_isolation', 'tx_isolation', 'read_only', 'innodb_flush_log_at_trx_commit'],
  ...['wsrep_sync_wait'],
] as const;
const STATE = ['wsrep_cluster_status', 'wsrep_ready', 'wsrep_cluster_size', 'wsrep_local_state_comment'] as const;

/** Which engine each store is, and whether it keeps what it acknowledges. */
export const engine: Check = {
  name: 'engine',
  look: async ({ open }) => {
    const found: Finding[] = [];
    for (const store of open) found.push(...(await looked(store, store.source)));
    return found;
  },
};

async function looked({ variable }: Store, source: DataSource): Promise<Finding[]> {
  if (dialectOf(source).embedded) return [ok(`${variable}: SQLite, in this process`)];
  const name = engineNameOf(await detectEngine(source));
  const values = await serverValues(source, 'VARIABLES', SETTINGS);
  const findings = [...settingFaults(values), ...(name === 'galera' ? await clusterFaults(source) : [])];
  const said = findings.map((finding) => ({ ...finding, says: `${variable}: ${finding.says}` }));
  return [ok(`${variable}: ${name} ${values.version ?? ''}`.trim()), ...said];
}

function settingFaults(values: Partial<Record<(typeof SETTINGS)[number], string>>): Finding[] {
  const isolation = values.transaction_isolation ?? values.tx_isolation ?? 'REPEATABLE-READ';
  return [
    ...(isolation === 'READ-UNCOMMITTED'
      ? [fault('it reads what others have not committed', 'set transaction_isolation=REPEATABLE-READ there')]
      : []),
    ...(isolation === 'READ-COMMITTED'
      ? [attention('a transaction may see two states (READ-COMMITTED)', 'set transaction_isolation=REPEATABLE-READ')]
      : []),
    ...(values.read_only === 'ON' || values.read_only === '1'
      ? [fault('it takes no writes (read_only): nothing governed is answered', 'name the server that takes writes')]
      : []),
    ...((values.innodb_flush_log_at_trx_commit ?? '1') !== '1'
      ? [
          attention(
            'a power cut may lose what it acknowledged in the last second',
            'set innodb_flush_log_at_trx_commit=1 there, or rely on the other nodes of a cluster',
          ),
        ]
      : []),
  ];
}

async function clusterFaults(source: DataSource): Promise<Finding[]> {
  const state = await serverValues(source, 'STATUS', STATE);
  const size = Number(state.wsrep_cluster_size ?? 0);
  return [
    ...(state.wsrep_cluster_status !== 'Primary' || state.wsrep_ready !== 'ON'
      ? [
          fault(
            `this node is not of the cluster's majority (${state.wsrep_cluster_status}, ready ${state.wsrep_ready})`,
            'join it again; until then it answers nothing',
          ),
        ]
      : []),
    ...(size > 0 && size < 3
      ? [attention(`the cluster has ${size} nodes: with one away it stops`, 'run three, or two and an arbitrator')]
      : []),
  ];
}
