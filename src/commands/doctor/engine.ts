import type { DataSource } from 'typeorm';
import { dialectOf } from '../../storage/dialect';
import { detectEngine, engineNameOf } from '../../storage/engine-profiles';
import { serverFault } from '../../storage/server-state';
import { serverValues } from '../../storage/server-values';
import { counted } from '../counted';
import { attention, type Check, type Finding, fault, ok } from './finding';
import type { Store } from './patient';

const SETTINGS = ['version', 'transaction_isolation', 'tx_isolation', 'innodb_flush_log_at_trx_commit'] as const;

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
  const refuses = await serverFault(source);
  const findings = [
    ...(refuses === undefined
      ? []
      : [fault(`it ${refuses}`, 'name a server that takes writes, or join the node again')]),
    ...settingFaults(values),
    ...(name === 'galera' ? await smallCluster(source) : []),
  ];
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

async function smallCluster(source: DataSource): Promise<Finding[]> {
  const { wsrep_cluster_size: size } = await serverValues(source, 'STATUS', ['wsrep_cluster_size']);
  if (size === undefined || Number(size) >= 3) return [];
  const says = `the cluster has ${counted(Number(size), 'node')}: with one away it stops`;
  return [attention(says, 'run three, or two and an arbitrator')];
}
