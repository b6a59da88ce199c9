import { access } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import { whyUnfit } from '../../keys/backup/unfit-store';
import { epochContext } from '../../keys/epochs/epoch-keys';
import { UnsealError } from '../../keys/errors';
import { developmentMasterKey } from '../../keys/master-key';
import type { RootKeys } from '../../keys/roots/root-keys';
import { ConfigurationError } from '../../storage/errors';
import { keysStoreName, openRootsOf } from '../../stores';
import { attention, type Check, type Finding, fault, orWell } from './finding';
import type { OpenStore, Patient } from './patient';
import { placeOf } from './stores';

/** The roots, and whether they open what is stored. */
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

async function roots(patient: Patient): Promise<Finding[]> {
  const { masterKeyFile, production } = patient.config;
  if (masterKeyFile === undefined && !production) {
    const isThere = await access(developmentMasterKey).then(
      () => true,
      () => false,
    );
    if (!isThere) return [attention('there is no master key yet', 'a server makes one for development when it starts')];
  }
  const found: Finding[] = [];
  for (const store of patient.keysStores) found.push(...(await rootOf(patient, store)));
  return found;
}

/** Whether the root of a store's epoch is here, and can be used. */
async function rootOf(patient: Patient, { variable, region, source }: OpenStore): Promise<Finding[]> {
  const { config } = patient;
  let opened: RootKeys | undefined;
  try {
    opened = await openRootsOf(config, region);
    const why = await whyUnfit(
      { name: keysStoreName(region), source, roots: opened },
      { folder: config.keysBackupDir, client: await firstClient(patient, region) },
    );
    if (why !== undefined) return [fault(`${variable}: ${why}`, 'no server starts before; see docs/keys-backup.md')];
    await usesRoot(source, opened);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return [fault(error.message, 'see docs/keys.md')];
    if (error instanceof UnsealError) {
      return [fault(`${variable}: the root does not open the epoch’s key: it was altered`, 'see docs/keys.md')];
    }
    throw error;
  } finally {
    await opened?.close();
  }
}

/** Undefined too where the data is away, or not migrated yet. */
const firstClient = (patient: Patient, region: OpenStore['region']): Promise<string | undefined> =>
  Promise.resolve()
    .then(() => patient.regions.firstOf(region))
    .catch(() => undefined);

async function usesRoot(source: DataSource, opened: RootKeys): Promise<void> {
  const [epoch] = await source.query<Array<{ number: number; root_id: string; wrapped: Buffer }>>(
    'SELECT number, root_id, wrapped FROM key_epoch ORDER BY number DESC LIMIT 1',
  );
  if (!epoch) return;
  const key = await opened.unwrap(epoch.root_id, epoch.wrapped, epochContext(Number(epoch.number)));
  key.fill(0);
}
