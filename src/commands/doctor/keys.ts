import { access } from 'node:fs/promises';
import { developmentMasterKey } from '../../keys/master-key';
import { openRootKeys } from '../../keys/roots/root-keys';
import { dialectOf } from '../../storage/dialect';
import { ConfigurationError } from '../../storage/errors';
import { serverValues } from '../../storage/server-values';
import { counted } from '../counted';
import { attention, type Check, type Finding, fault, orWell } from './finding';
import type { Patient } from './patient';
import { placeOf } from './stores';

const LOGS = [
  'log_bin',
  'binlog_expire_logs_seconds',
  'expire_logs_days',
  'wsrep_on',
  'wsrep_provider_options',
] as const;

/** The master key, whether it opens what is stored, and where a destroyed key's bytes may stay. */
export const keys: Check = {
  name: 'keys',
  look: async (patient) =>
    orWell(
      [...apart(patient), ...(await master(patient)), ...(await traces(patient))],
      'the master key opens the stored keys, which have a store of their own',
    ),
};

/** A backup of the data must not bring destroyed keys back. */
function apart({ stores }: Patient): Finding[] {
  const ofKeys = stores.find(({ kind }) => kind === 'keys');
  if (ofKeys?.address.kind !== 'mysql') return [];
  const place = placeOf(ofKeys.address);
  const shared = stores.filter(({ kind, address }) => kind === 'data' && placeOf(address) === place);
  return shared.map(({ variable }) =>
    attention(
      `keys and ${variable} are on one server, ${place}`,
      'never back them up together: a backup with both brings destroyed keys back (docs/deployment.md)',
    ),
  );
}

async function master({ config, keysSource }: Patient): Promise<Finding[]> {
  const { masterKeyFile, production } = config;
  if (masterKeyFile === undefined && !production) {
    const isThere = await access(developmentMasterKey).then(
      () => true,
      () => false,
    );
    if (!isThere) return [attention('there is no master key yet', 'a server makes one for development when it starts')];
  }
  try {
    const roots = await openRootKeys({ ...(masterKeyFile === undefined ? {} : { masterKeyFile }), production });
    const there = new Set(await roots.ids());
    await roots.close();
    const epochs = await keysSource.query<Array<{ root_id: string }>>(
      "SELECT root_id FROM key_epoch WHERE state <> 'ENDED'",
    );
    if (epochs.every(({ root_id: id }) => there.has(id))) return [];
    const says = 'the keys of clients are wrapped by another master key';
    return [fault(says, 'name the file with that key in REMIT_MASTER_KEY_FILE: without it their data cannot be read')];
  } catch (error) {
    if (error instanceof ConfigurationError) return [fault(error.message, 'see docs/deployment.md, keys')];
    throw error;
  }
}

/** Logs of a server keep the wrapped bytes of a key for a while after it was destroyed. */
async function traces({ keysSource }: Patient): Promise<Finding[]> {
  if (dialectOf(keysSource).embedded) return [];
  const values = await serverValues(keysSource, 'VARIABLES', LOGS);
  const cache = /gcache\.size *= *(\w+)/.exec(values.wsrep_provider_options ?? '')?.[1];
  const seconds = Number(values.binlog_expire_logs_seconds ?? 0) || Number(values.expire_logs_days ?? 0) * 86_400;
  const kept = seconds === 0 ? 'for ever' : `for ${counted(Math.ceil(seconds / 86_400), 'day')}`;
  return [
    ...(values.log_bin === 'ON'
      ? [
          attention(
            `the keys' server keeps destroyed keys, wrapped, in its binary log ${kept}`,
            'run it without a binary log, or let the log expire within a day',
          ),
        ]
      : []),
    ...(values.wsrep_on === 'ON' && cache !== undefined
      ? [
          attention(
            `the keys' cluster keeps destroyed keys, wrapped, in galera.cache (${cache}) of every node`,
            'give the keys a server of their own outside of the cluster, or a small gcache.size',
          ),
        ]
      : []),
  ];
}
