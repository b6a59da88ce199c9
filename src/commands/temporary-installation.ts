import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, readConfig } from '../config';
import { generateMasterKeyFile } from '../keys/master-key';

/** Databases and keys in a folder of their own, which nobody else's environment reaches. */
export interface TemporaryInstallation {
  readonly config: Config;
  /** What the environment of another process must say to work on the same stores. */
  readonly environment: Readonly<Record<string, string>>;
  /** Removes the folder. Synchronous, so that a signal's handler can end with it. */
  remove(): void;
}

/** @param environment variables beside those of the stores, such as PORT */
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
