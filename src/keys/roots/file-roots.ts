import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RootKeyError } from '../errors';
import {
  developmentMasterKey,
  generateMasterKeyFile,
  loadMasterKeyFile,
  type MasterKey,
  masterKeyIn,
} from '../master-key';
import type { RootKeys } from './root-keys';

/**
 * Roots in files: the current one in the master key's file, the next one beside it until the current one is destroyed.
 * Another process may change the files at any time, so they are read at each use.
 */
export class FileRoots implements RootKeys {
  readonly #path: string;
  readonly #production: boolean;

  private constructor(path: string, production: boolean) {
    this.#path = path;
    this.#production = production;
  }

  /** @throws ConfigurationError as `loadMasterKeyFile` */
  static async open(path: string | undefined, { production }: { production: boolean }): Promise<FileRoots> {
    await loadMasterKeyFile(path, { production });
    return new FileRoots(path?.trim() ? path : developmentMasterKey, production);
  }

  async create(): Promise<string> {
    // One that is there was made by a process that died before it could use it.
    if (!(await masterKeyIn(this.#next, this.#production))) {
      await generateMasterKeyFile(this.#next);
      await syncFolder(this.#path);
    }
    return (await loadMasterKeyFile(this.#next, { production: this.#production })).id;
  }

  async ids(): Promise<readonly string[]> {
    return (await this.#all()).map(({ id }) => id);
  }

  async wrap(id: string, key: Buffer, context: string): Promise<Buffer> {
    return (await this.#root(id)).wrap(key, context);
  }

  async unwrap(id: string, wrapped: Buffer, context: string): Promise<Buffer> {
    return (await this.#root(id)).unwrap(wrapped, context);
  }

  async destroy(id: string): Promise<number> {
    const { current, next } = await this.#read();
    if (current?.id === id) {
      await rm(this.#gone, { force: true });
      await link(this.#path, this.#gone);
      await (next ? rename(this.#next, this.#path) : rm(this.#path));
    } else if (next?.id === id) {
      await rename(this.#next, this.#gone);
    }
    await overwrite(this.#gone);
    await rm(this.#gone, { force: true });
    await syncFolder(this.#path);
    return Date.now();
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }

  get #next(): string {
    return `${this.#path}.next`;
  }

  /** What is being destroyed. */
  get #gone(): string {
    return `${this.#path}.gone`;
  }

  async #read(): Promise<{ current: MasterKey | undefined; next: MasterKey | undefined }> {
    // In this order: the next one may become the current one in between.
    const next = await masterKeyIn(this.#next, this.#production);
    return { current: await masterKeyIn(this.#path, this.#production), next };
  }

  async #all(): Promise<MasterKey[]> {
    const { current, next } = await this.#read();
    return [current, next].filter((key) => key !== undefined);
  }

  async #root(id: string): Promise<MasterKey> {
    const all = await this.#all();
    const root = all.find((one) => one.id === id);
    if (root) return root;
    const held = all.map((one) => one.id).join(' and ') || 'no key';
    throw new RootKeyError(
      'REMIT_MASTER_KEY_FILE',
      `holds the key ${held}, but this store's keys are wrapped by ${id}; name that key's file`,
    );
  }
}

async function overwrite(path: string): Promise<void> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return;
  try {
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size), 0, size, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
