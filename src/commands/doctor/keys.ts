import { access } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import type { Config } from '../../config';
import { developmentMasterKey } from '../../keys/master-key';
import { RootUnavailableError } from '../../keys/roots/errors';
import { caveatsAt } from '../../keys/roots/wiped-file';
import { ConfigurationError } from '../../storage/errors';
import type { HostingRegion } from '../../storage/regions';
import { openRootsOf } from '../../stores';
import { attention, type Check, type Finding, fault, orWell } from './finding';
import type { Patient } from './patient';
import { placeOf } from './stores';

/** The roots of the keys, and whether they open what is stored. */
export const keys: Check = {
  name: 'keys',
  look: async (patient) =>
    orWell(
      [...apart(patient), ...(await roots(patient))],
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

/** Whether each keys' store can be opened with the roots that are there, and what those are worth. */
async function roots({ config, keysStores }: Patient): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const { region, source } of keysStores) found.push(...(await rootsOf(config, region, source)));
  return found;
}

async function rootsOf(config: Config, region: HostingRegion | undefined, source: DataSource): Promise<Finding[]> {
  const settings = region === undefined ? config : config.regionalKeys?.[region];
  const isInFile = settings?.rootKey === undefined;
  const file = settings?.masterKeyFile ?? developmentMasterKey;
  if (isInFile && settings?.masterKeyFile === undefined && !config.production && !(await isThere(file))) {
    return [attention('there is no master key yet', 'a server makes one for development when it starts')];
  }
  try {
    const places = await openRootsOf(config, region);
    const there = await places.ids().finally(() => places.close());
    const epochs = await source.query<Array<{ root_id: string; state: string }>>(
      'SELECT root_id, state FROM key_epoch',
    );
    if (epochs.some(({ root_id: id, state }) => state !== 'ENDED' && !there.includes(id))) {
      const says = 'the keys of clients are wrapped by another master key';
      return [fault(says, 'name the place of that key (docs/keys.md): without it their data cannot be read')];
    }
    const unused = epochs.length === 0 ? [] : there.filter((id) => !epochs.some(({ root_id: used }) => used === id));
    return [
      ...unused.map((id) =>
        attention(`no epoch uses the root ${id}`, 'a process died when it had made it; remove it where it is'),
      ),
      ...(isInFile && config.production ? await caveatsAt(file) : []).map((caveat) =>
        attention(`a root that ended may be read from the disk: ${caveat}`, 'see docs/keys.md, a file'),
      ),
    ];
  } catch (error) {
    if (error instanceof RootUnavailableError || error instanceof ConfigurationError)
      return [fault(error.message, 'see docs/keys.md')];
    throw error;
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
