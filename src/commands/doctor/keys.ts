import { access } from 'node:fs/promises';
import { developmentMasterKey } from '../../keys/master-key';
import { openRootKeys } from '../../keys/roots/root-keys';
import { ConfigurationError } from '../../storage/errors';
import { attention, type Check, type Finding, fault, orWell } from './finding';
import type { Patient } from './patient';
import { placeOf } from './stores';

/** The master key, and whether it opens what is stored. */
export const keys: Check = {
  name: 'keys',
  look: async (patient) =>
    orWell(
      [...apart(patient), ...(await master(patient))],
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
