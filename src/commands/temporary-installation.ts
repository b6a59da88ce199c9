import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, readConfig } from '../config';
import { generateMasterKeyFile } from '../keys/master-key';

/** Databases and keys in a temporary folder. */
export interface TemporaryInstallation {
  readonly config: Config;
  /** The environment with which another process uses the same stores. */
  readonly environment: Readonly<Record<string, string>>;
  /** Removes the folder. Synchronous, for use in a signal handler. */
  remove(): void;
}

/** @param environment more variables, such as PORT */
export async function temporaryInstallation(environment: Record<string, string> = {}): Promise<TemporaryInstallation> {
  const folder = await mkdtemp(join(tmpdir(), 'remit-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const masterKeyFile = join(folder, 'master.key');
    await generateMasterKeyFile(masterKeyFile);
    const stores = {
      DATABASE_URL: `sqlite:${join(folder, 'remit.db')}`,
      KEYS_DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`,
      REMIT_MASTER_KEY_FILE: masterKeyFile,
    };
    return { config: readConfig({ ...environment, ...stores }), environment: stores, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
