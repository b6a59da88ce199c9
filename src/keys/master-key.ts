import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigurationError } from '../storage/errors';
import { decrypt, encrypt } from './aes-gcm';

/** A root that is in a file. */
export interface FileRoot {
  /** `file:` and the fingerprint. */
  readonly id: string;
  /** A digest of the key: 16 characters of base64url. */
  readonly fingerprint: string;
  /** Made by a server in development. */
  readonly isDevelopment: boolean;
  wrap(key: Buffer, context: string): Buffer;
  /** @throws UnsealError if this root did not wrap it, or not for this context */
  unwrap(wrapped: Buffer, context: string): Buffer;
}

const VARIABLE = 'REMIT_MASTER_KEY_FILE';
/** Where a development key is made if none is named. */
export const developmentMasterKey = './data/master.key';
const DEVELOPMENT_MARK = 'remit-development-key:';
/** What ids of roots in files begin with. */
export const FILE_SCHEME = 'file:';
const KEY_BYTES = 32;
const FINGERPRINT_LENGTH = 16;
const MADE_BY = `write one with: (umask 077; head -c ${KEY_BYTES} /dev/urandom | base64 > master.key)`;

/** A draft is linked to its name within milliseconds. */
const DRAFT_SUFFIX = '.draft.';

/**
 * Reads the file that holds a root: 32 random bytes in base64. Where none is named, a development key is made at
 * `./data/master.key` and used from then on, except in production.
 *
 * @param path the value of REMIT_MASTER_KEY_FILE
 * @throws ConfigurationError naming REMIT_MASTER_KEY_FILE and the fix
 */
export async function loadMasterKeyFile(
  path: string | undefined,
  { production }: { readonly production: boolean },
): Promise<FileRoot> {
  if (path === undefined || path.trim() === '') {
    if (production) throw new ConfigurationError(VARIABLE, `must be set in production; ${MADE_BY}`);
    await writeKeyFile(() => developmentMasterKey, true).catch(unlessItExists);
    return readKeyFile(developmentMasterKey, production);
  }
  return readKeyFile(path, production);
}

/**
 * Writes a first root, readable by its owner only. It never overwrites a file, because everything that its key wraps
 * would be lost.
 *
 * @throws ConfigurationError if the file exists or cannot be written
 */
export async function generateMasterKeyFile(path: string): Promise<void> {
  try {
    await writeKeyFile(() => path, false);
  } catch (error) {
    const fault = isErrno(error, 'EEXIST') ? 'exists already and is not overwritten' : `cannot be written: ${error}`;
    throw new ConfigurationError(VARIABLE, `${path} ${fault}`, { cause: error });
  }
}

/** @throws ConfigurationError if the file cannot be read, holds no key, or must not serve in production */
export async function readKeyFile(path: string, production: boolean): Promise<FileRoot> {
  const root = rootIn(await readKeyText(path));
  if (root?.isDevelopment && production) {
    throw new ConfigurationError(VARIABLE, `${path} holds a development key, refused in production; ${MADE_BY}`);
  }
  if (production) {
    const mode = (await stat(path)).mode & 0o777;
    if ((mode & 0o007) !== 0) {
      const found = mode.toString(8).padStart(4, '0');
      throw new ConfigurationError(VARIABLE, `${path} is open to every user (mode ${found}); run: chmod 600 ${path}`);
    }
  }
  if (!root) {
    throw new ConfigurationError(VARIABLE, `${path} does not hold ${KEY_BYTES} bytes in base64; ${MADE_BY}`);
  }
  return root;
}

/** The root that a file's content is; undefined where it is none. */
export function rootIn(content: string): FileRoot | undefined {
  const text = content.trim();
  const isDevelopment = text.startsWith(DEVELOPMENT_MARK);
  const encoded = isDevelopment ? text.slice(DEVELOPMENT_MARK.length) : text;
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== encoded) return undefined;
  const fingerprint = fingerprintOf(key);
  return {
    id: `${FILE_SCHEME}${fingerprint}`,
    fingerprint,
    isDevelopment,
    wrap: (content, context) => encrypt(key, content, context),
    unwrap: (wrapped, context) => decrypt(key, wrapped, context),
  };
}

/**
 * Writes a new key. A hard link makes the whole file appear at once, and only where none exists: two processes end up
 * with one key. It is durable when this returns.
 *
 * @param pathOf where the file belongs, by the key's fingerprint
 * @returns the fingerprint
 */
export async function writeKeyFile(pathOf: (fingerprint: string) => string, isDevelopment: boolean): Promise<string> {
  const key = randomBytes(KEY_BYTES);
  const fingerprint = fingerprintOf(key);
  const path = pathOf(fingerprint);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}${DRAFT_SUFFIX}${randomBytes(6).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${isDevelopment ? DEVELOPMENT_MARK : ''}${key.toString('base64')}\n`);
    key.fill(0);
    await file.sync();
    await link(draft, path);
  } finally {
    await file.close();
    await rm(draft);
  }
  await syncFolder(path);
  return fingerprint;
}

/** Whether a file was being written when its process died. */
export const isDraft = (name: string): boolean => name.includes(DRAFT_SUFFIX);

/** Makes durable what was renamed, linked or removed beside a file. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function fingerprintOf(key: Buffer): string {
  const digest = createHash('sha256').update('remit/v1/master-key-id\0').update(key).digest('base64url');
  return digest.slice(0, FINGERPRINT_LENGTH);
}

async function readKeyText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const fault = isErrno(error, 'ENOENT')
      ? `there is no file ${resolve(path)}; ${MADE_BY}`
      : `${path} cannot be read (${(error as NodeJS.ErrnoException).code}); let this user read it: chmod 600, chown`;
    throw new ConfigurationError(VARIABLE, fault, { cause: error });
  }
}

function unlessItExists(error: unknown): void {
  if (!isErrno(error, 'EEXIST')) {
    throw new ConfigurationError(
      VARIABLE,
      `no development key can be written to ${developmentMasterKey} (${(error as NodeJS.ErrnoException).code}); ` +
        'make ./data writable, or name a key file',
      { cause: error },
    );
  }
}

export function isErrno(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
