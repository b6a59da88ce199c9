import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DAY_MS } from '../../law/calendar';
import type { EpochState } from '../epochs/epoch-state';
import { KeyBackupError } from './errors';
import { rootDigest } from './header';
import { headerOf } from './read';

const SUFFIX = '.remit-keys';
/** What a process that died while it wrote has left. */
const DRAFT = /\.remit-keys\.[0-9a-f]{12}\.part$/;

/**
 * What a file of a folder of backups is good for. `GOOD`: its root is here. `ENDED`: its epoch has ended, so that
 * nobody can open it any more. `FOREIGN`: neither is so. `DAMAGED`: its header cannot be read.
 */
export type BackupWorth = 'GOOD' | 'ENDED' | 'FOREIGN' | 'DAMAGED';

export interface ListedBackup {
  readonly path: string;
  readonly bytes: number;
  readonly worth: BackupWorth;
  readonly epoch?: number;
  readonly store?: string;
  /** When the state that it holds was read, ISO 8601. */
  readonly at?: string;
}

/** A keys' store by its name, with its epochs and the roots that are here. */
export interface StoreEpochs {
  readonly name: string;
  readonly roots: readonly string[];
  readonly epochs: readonly Pick<EpochState, 'number' | 'rootId' | 'state'>[];
}

/** The backups in a folder, by their headers alone, oldest first. None where there is no such folder. */
export async function listBackups(folder: string, stores: readonly StoreEpochs[]): Promise<ListedBackup[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith(SUFFIX));
  const listed: ListedBackup[] = [];
  for (const name of names) listed.push(await look(join(folder, name), stores));
  return listed.sort((one, other) => ((one.at ?? '') < (other.at ?? '') ? -1 : 1));
}

/**
 * Removes the stores' backups of epochs that have ended, and what interrupted writing left. Others stay.
 * @returns the removed
 */
export async function pruneBackups(folder: string, stores: readonly StoreEpochs[]): Promise<ListedBackup[]> {
  const ended = (await listBackups(folder, stores)).filter(({ worth }) => worth === 'ENDED');
  for (const { path } of ended) await rm(path, { force: true });
  // Nobody writes one file for a day.
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    if (DRAFT.test(name) && Date.now() - (await stat(path)).mtimeMs > DAY_MS) await rm(path);
  }
  return ended;
}

async function look(path: string, stores: readonly StoreEpochs[]): Promise<ListedBackup> {
  const bytes = (await stat(path)).size;
  try {
    const { epoch, root, store, at } = (await headerOf(path)).header;
    const { epochs = [], roots = [] } = stores.find(({ name }) => name === store) ?? {};
    const known = epochs.find(({ number, rootId }) => number === epoch && rootDigest(rootId) === root);
    const isHere = roots.some((id) => rootDigest(id) === root);
    const worth = known?.state === 'ENDED' ? 'ENDED' : isHere ? 'GOOD' : 'FOREIGN';
    return { path, bytes, worth, epoch, store, at };
  } catch (error) {
    if (!(error instanceof KeyBackupError)) throw error;
    return { path, bytes, worth: 'DAMAGED' };
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
