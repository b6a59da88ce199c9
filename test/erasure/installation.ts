import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { DAY_MS } from '../../src/law/calendar';
import { createServices, type Services } from '../../src/services';
import { migrateStores, openStores, type Stores } from '../../src/stores';
import type { TestDatabase } from '../support/databases';

/** An installation that the command line can work on too: stores, services, and the environment that names them. */
export interface Installation {
  readonly folder: string;
  readonly env: Record<string, string>;
  stores: Stores;
  services: Services;
  /** Closes the stores, does something to what lies under them, and opens them again. */
  whileClosed(work: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** @param epochs whether epochs of the keys end, by hand; each leaves a backup in the folder `backups` then */
export async function openInstallation(database: TestDatabase, epochs: 'off' | 'daily' = 'off'): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'remit-installation-'));
  const masterKeyFile = join(folder, 'master.key');
  await generateMasterKeyFile(masterKeyFile);
  const { databaseUrl, keysDatabaseUrl } = database;
  const config = {
    databaseUrl,
    keysDatabaseUrl,
    regionalDatabaseUrls: {},
    masterKeyFile,
    production: false,
    epoch: epochs === 'off' ? epochs : DAY_MS,
    ...(epochs === 'off' ? {} : { keysBackupDir: join(folder, 'backups') }),
  };
  await database.copyTables?.();
  await migrateStores(config);
  const open = async () => {
    const stores = await openStores(config, { poolSize: 4 });
    return { stores, services: createServices(stores) };
  };
  const shut = async ({ stores, services }: { stores: Stores; services: Services }) => {
    await services.recorder.close();
    await services.ledger.close();
    await stores.close();
  };
  const installation: Installation = {
    folder,
    env: {
      DATABASE_URL: databaseUrl,
      KEYS_DATABASE_URL: keysDatabaseUrl,
      REMIT_MASTER_KEY_FILE: masterKeyFile,
      REMIT_EPOCH: epochs,
      ...(epochs === 'off' ? {} : { KEYS_BACKUP_DIR: join(folder, 'backups') }),
    },
    ...(await open()),
    whileClosed: async (work) => {
      await shut(installation);
      await work();
      Object.assign(installation, await open());
    },
    close: async () => {
      await shut(installation);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return installation;
}
