import { access } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import { whyUnfit } from '../../keys/backup/unfit-store';
import { epochContext } from '../../keys/epochs/epoch-keys';
import { UnsealError } from '../../keys/errors';
import { developmentMasterKey } from '../../keys/master-key';
import { RootUnavailableError } from '../../keys/roots/errors';
import type { RootKeys } from '../../keys/roots/root-keys';
import { caveatsAt } from '../../keys/roots/wiped-file';
import { ConfigurationError } from '../../storage/errors';
import { keysStoreName, openRootsOf } from '../../stores';
import { attention, type Check, type Finding, fault, orWell } from './finding';
import type { OpenStore, Patient } from './patient';
import { placeOf } from './stores';

/** The roots of the keys, and whether they open what is stored. */
export const keys: Check = {
  name: 'keys',
  look: async (patient) =>
    orWell(
      [...apart(patient), ...(await roots(patient))],
      'the root opens the stored keys, which have a store of their own',
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
async function roots(patient: Patient): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const store of patient.keysStores) found.push(...(await rootsOf(patient, store)));
  return found;
}

async function rootsOf(patient: Patient, store: OpenStore): Promise<Finding[]> {
  const { config } = patient;
  const settings = store.region === undefined ? config : config.regionalKeys?.[store.region];
  const isInFile = settings?.rootKey === undefined;
  const file = settings?.masterKeyFile ?? developmentMasterKey;
  if (isInFile && settings?.masterKeyFile === undefined && !config.production && !(await isThere(file))) {
    return [attention('there is no master key yet', 'a server makes one for development when it starts')];
  }
  let places: RootKeys | undefined;
  try {
    places = await openRootsOf(config, store.region);
    const why = await whyUnfit(
      { name: keysStoreName(store.region), source: store.source, roots: places },
      { folder: config.keysBackupDir, client: await firstClient(patient, store.region) },
    );
    if (why !== undefined) {
      return [fault(`${store.variable}: ${why}`, 'no server starts before; see docs/keys-backup.md')];
    }
    const unused = await usedAndUnused(store.source, places);
    return [
      ...unused.map(({ id, isSwept }) =>
        attention(
          `no epoch uses the root ${id}`,
          isSwept
            ? 'a process died when it had made it; the next turning uses or destroys it'
            : 'a process died when it had made it, or it is not of this installation; remove it where it is, if it is',
        ),
      ),
      ...(isInFile && config.production ? await caveatsAt(file) : []).map((caveat) =>
        attention(`a root that ended may be read from the disk: ${caveat}`, 'see docs/keys.md, a file'),
      ),
    ];
  } catch (error) {
    if (error instanceof RootUnavailableError || error instanceof ConfigurationError)
      return [fault(error.message, 'see docs/keys.md')];
    if (error instanceof UnsealError) {
      return [fault(`${store.variable}: the root does not open the epoch’s key: it was altered`, 'see docs/keys.md')];
    }
    throw error;
  } finally {
    await places?.close();
  }
}

/** Uses the root of the current epoch. @returns the roots that no epoch uses; the next turning uses or ends some */
async function usedAndUnused(
  source: DataSource,
  places: RootKeys,
): Promise<ReadonlyArray<{ readonly id: string; readonly isSwept: boolean }>> {
  const epochs = await source.query<
    Array<{ number: number; root_id: string; wrapped: Buffer; next_root_id: string | null }>
  >('SELECT number, root_id, wrapped, next_root_id FROM key_epoch ORDER BY number');
  const current = epochs.at(-1);
  if (!current) return [];
  const key = await places.unwrap(current.root_id, current.wrapped, epochContext(Number(current.number)));
  key.fill(0);
  const unused = (await places.ids()).filter((id) => !epochs.some(({ root_id: used }) => used === id));
  return unused.map((id) => ({ id, isSwept: places.isLocal || id === current.next_root_id }));
}

/** Undefined too where the data is away, or not migrated yet. */
const firstClient = (patient: Patient, region: OpenStore['region']): Promise<string | undefined> =>
  Promise.resolve()
    .then(() => patient.regions.firstOf(region))
    .catch(() => undefined);

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
