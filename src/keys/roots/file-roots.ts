import { access, constants, link, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MINUTE_MS } from '../../law/calendar';
import { ConfigurationError } from '../../storage/errors';
import { withFileLock } from '../../storage/file-lock';
import { RootKeyError } from '../errors';
import {
  developmentMasterKey,
  FILE_SCHEME,
  type FileRoot,
  isDraft,
  isErrno,
  loadMasterKeyFile,
  readKeyFile,
  rootIn,
  syncFolder,
  writeKeyFile,
} from '../master-key';
import type { RootKeys } from './root-keys';
import { placeDigest } from './root-place';
import { wipeFile } from './wiped-file';

const VARIABLE = 'REMIT_MASTER_KEY_FILE';
/** A draft that is older was left by a process that died. */
const DRAFT_AGE_MS = 10 * MINUTE_MS;

/** Roots as they are on the disk. */
interface Found {
  /** Undefined where the last one has ended. */
  readonly current: FileRoot | undefined;
  /** The newest first. */
  readonly next: readonly FileRoot[];
}

/**
 * Roots in files. `master.key` is the current one. `master.key.next.ID` takes its place when the current one is
 * destroyed: that one is linked as `master.key.ended.ID`, the next is renamed over it, and then the ended one is wiped.
 * Names hold the id of their content, so whoever finds a half-done step can finish it, and a slow process cannot do it
 * to another root. Another process may change the files at any time, so they are read at each use. Whoever changes
 * them holds the lock on `master.key.lock`, and looks again: two who choose what takes over could overwrite a root that
 * is in use.
 */
export class FileRoots implements RootKeys {
  readonly places: readonly [string];
  readonly isLocal = true;
  readonly #path: string;
  readonly #production: boolean;
  readonly #isLeft: boolean;

  private constructor(path: string, production: boolean, isLeft: boolean) {
    this.places = [placeDigest({ scheme: 'file', path })];
    this.#path = path;
    this.#production = production;
    this.#isLeft = isLeft;
  }

  /**
   * Opens the roots, and finishes what a process that died had begun.
   * @param isLeft whether roots are made elsewhere from now on, and the last one in the file may end
   * @throws ConfigurationError as `loadMasterKeyFile`; in production, where the folder cannot be written
   */
  static async open(
    path: string | undefined,
    { production, isLeft = false }: { readonly production: boolean; readonly isLeft?: boolean },
  ): Promise<FileRoots> {
    const named = path?.trim() ? path : developmentMasterKey;
    const hasEnded = isLeft && !(await isThere(named));
    if (!hasEnded) await loadMasterKeyFile(path, { production });
    const roots = new FileRoots(hasEnded ? resolve(named) : await realpath(named), production, isLeft);
    if (production) await roots.#mustBeWritable();
    if (await roots.#isUnfinished()) await roots.#alone(() => roots.#finish());
    return roots;
  }

  async create(note?: (id: string) => Promise<void>): Promise<string> {
    await this.#mustBeWritable();
    return this.#alone(async () => {
      const found = await this.#read();
      // What a development key became stays one: whoever could read it could read what it wrapped.
      const isDevelopment = all(found).some((root) => root.isDevelopment);
      const id = `${FILE_SCHEME}${await writeKeyFile((fingerprint) => this.#next(fingerprint), isDevelopment)}`;
      // Under the lock: whoever sweeps sees the file and the note, or neither.
      await note?.(id);
      return id;
    });
  }

  async first(): Promise<string> {
    const [there] = await this.ids();
    return there ?? this.create();
  }

  async ids(): Promise<readonly string[]> {
    return all(await this.#read()).map(({ id }) => id);
  }

  async wrap(id: string, key: Buffer, context: string): Promise<Buffer> {
    return (await this.#root(id)).wrap(key, context);
  }

  async unwrap(id: string, wrapped: Buffer, context: string): Promise<Buffer> {
    return (await this.#root(id)).unwrap(wrapped, context);
  }

  async placeOf(): Promise<string> {
    return this.places[0];
  }

  async destroy(id: string): Promise<number> {
    if (!id.startsWith(FILE_SCHEME)) throw await this.#absent(id);
    return this.#alone(() => this.#destroy(id));
  }

  /** The file is one store's alone: what none of its epochs uses is nobody's. */
  sweep(used: () => Promise<readonly string[]>): Promise<void> {
    return this.#alone(async () => {
      // In this order, and both under the lock: a process may stand still for long between any two steps.
      const there = await this.ids();
      const inUse = await used();
      for (const id of there) {
        if (inUse.includes(id)) continue;
        const { current, next } = await this.#read();
        const isOnly = current?.id === id && next.length === 0;
        if (!isOnly || this.#isLeft) await this.#destroy(id);
      }
    });
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }

  async #destroy(id: string): Promise<number> {
    const fingerprint = id.slice(FILE_SCHEME.length);
    const { current, next } = await this.#read();
    if (current?.fingerprint === fingerprint) {
      if (next.length > 0) await link(this.#path, this.#ended(fingerprint)).catch(unless('EEXIST'));
      else if (this.#isLeft) await rename(this.#path, this.#ended(fingerprint)).catch(unless('ENOENT'));
      else throw new RootKeyError(VARIABLE, `holds the only root, ${id}, which is not destroyed`);
    } else if (next.some((root) => root.fingerprint === fingerprint)) {
      await rename(this.#next(fingerprint), this.#ended(fingerprint)).catch(unless('ENOENT'));
    }
    await syncFolder(this.#path);
    await this.#finish();
    return Date.now();
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return withFileLock(`${this.#path}.lock`, work);
  }

  #next(fingerprint: string): string {
    return `${this.#path}.next.${fingerprint}`;
  }

  #ended(fingerprint: string): string {
    return `${this.#path}.ended.${fingerprint}`;
  }

  async #isUnfinished(): Promise<boolean> {
    return (await this.#names('ended')).length > 0 || (await this.#oldDrafts()).length > 0;
  }

  /** Ends what has begun to end, and removes drafts of processes that died. */
  async #finish(): Promise<void> {
    for (const name of await this.#names('ended')) await this.#finishEnding(name);
    for (const path of await this.#oldDrafts()) await rm(path, { force: true });
  }

  async #oldDrafts(): Promise<string[]> {
    const folder = dirname(this.#path);
    const found: string[] = [];
    for (const name of await readdir(folder)) {
      if (!name.startsWith(basename(this.#path)) || !isDraft(name)) continue;
      const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (mtimeMs < Date.now() - DRAFT_AGE_MS) found.push(join(folder, name));
    }
    return found;
  }

  async #finishEnding(fingerprint: string): Promise<void> {
    const { current, next } = await this.#read();
    if (current?.fingerprint === fingerprint) {
      const [successor] = next;
      if (!successor) return;
      await rename(this.#next(successor.fingerprint), this.#path).catch(unless('ENOENT'));
      await syncFolder(this.#path);
    }
    const living = current && (await stat(this.#path)).ino;
    await wipeFile(this.#ended(fingerprint), (content, inode) => {
      const root = rootIn(content);
      // Half overwritten, it is no root at all. Another whole root was linked by a process that came too late.
      return inode !== living && (root === undefined || root.fingerprint === fingerprint);
    });
  }

  async #read(): Promise<Found> {
    // In this order: the next one may become the current one in between.
    const next: Array<{ readonly root: FileRoot; readonly madeMs: number }> = [];
    for (const fingerprint of await this.#names('next')) {
      const path = this.#next(fingerprint);
      try {
        const { mtimeMs: madeMs } = await stat(path);
        const root = await readKeyFile(path, this.#production);
        if (root.fingerprint === fingerprint) next.push({ root, madeMs });
      } catch (error) {
        if (await isThere(path)) throw error;
      }
    }
    next.sort((one, other) => other.madeMs - one.madeMs);
    const current = await this.#current();
    return { current, next: next.map(({ root }) => root).filter((root) => root.fingerprint !== current?.fingerprint) };
  }

  /** A process that ends the root may be overwriting the file that was opened here: then another one is there. */
  async #current(): Promise<FileRoot | undefined> {
    if (this.#isLeft && !(await isThere(this.#path))) return undefined;
    return readKeyFile(this.#path, this.#production).catch(() => readKeyFile(this.#path, this.#production));
  }

  async #names(state: 'next' | 'ended'): Promise<string[]> {
    const beginning = `${basename(this.#path)}.${state}.`;
    const names = await readdir(dirname(this.#path));
    return names.flatMap((name) => {
      const fingerprint = name.startsWith(beginning) ? name.slice(beginning.length) : '';
      return /^[\w-]{16}$/.test(fingerprint) ? [fingerprint] : [];
    });
  }

  async #root(id: string): Promise<FileRoot> {
    const root = all(await this.#read()).find((one) => one.id === id);
    if (root) return root;
    throw await this.#absent(id);
  }

  async #absent(id: string): Promise<RootKeyError> {
    const held = (await this.ids()).join(' and ') || 'none';
    return new RootKeyError(
      VARIABLE,
      `holds the key ${held}, but this store's keys are wrapped by ${id}; name that key's file. Where it was moved, ` +
        'name its place in REMIT_ROOT_KEY_BEFORE; where another host has it, share its folder (docs/keys.md)',
    );
  }

  async #mustBeWritable(): Promise<void> {
    const folder = dirname(this.#path);
    try {
      await access(folder, constants.W_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ConfigurationError(
        VARIABLE,
        `${this.#path} is in a folder that this user cannot write (${code}), so no epoch of the keys can end there, ` +
          'and no erasure would ever be complete; put the file into a folder of its own that the server may write, ' +
          'or keep the root in an HSM or a KMS with REMIT_ROOT_KEY (docs/keys.md)',
        { cause: error },
      );
    }
  }
}

const all = ({ current, next }: Found): FileRoot[] => (current ? [current, ...next] : [...next]);

const unless = (code: string) => (error: unknown) => {
  if (!isErrno(error, code)) throw error;
};

function isThere(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    (error: unknown) => !isErrno(error, 'ENOENT'),
  );
}
