import { createHash, randomBytes } from 'node:crypto';
import { access, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigurationError } from '../storage/errors';
import { decrypt, encrypt } from './aes-gcm';

/** The key that wraps every client's key. Here it is in a file; a KMS can implement the same interface. */
export interface MasterKey {
  /** Stored beside each key that it wraps, so that a wrong master key is recognised. */
  readonly id: string;
  /** @param context says what the key is; unwrapping needs the same */
  wrap(key: Buffer, context: string): Promise<Buffer>;
  /** @throws UnsealError if this master key did not wrap it, or not for this context */
  unwrap(wrapped: Buffer, context: string): Promise<Buffer>;
}

const VARIABLE = 'REMIT_MASTER_KEY_FILE';
/** Where a development key is made if none is named. */
export const developmentMasterKey = './data/master.key';
const DEVELOPMENT_MARK = 'remit-development-key:';
const KEY_BYTES = 32;
const MADE_BY = `write one with: (umask 077; head -c ${KEY_BYTES} /dev/urandom | base64 > master.key)`;

/**
 * Reads the master key: a text file with 32 random bytes in base64.
 *
 * @param path the value of REMIT_MASTER_KEY_FILE. Without one, a development key is made at `./data/master.key` and
 *   used from then on, except in production
 * @throws ConfigurationError naming REMIT_MASTER_KEY_FILE and the fix
 */
export async function loadMasterKeyFile(
  path: string | undefined,
  { production }: { production: boolean },
): Promise<MasterKey> {
  if (path === undefined || path.trim() === '') {
    if (production) throw new ConfigurationError(VARIABLE, `must be set in production; ${MADE_BY}`);
    await writeKeyFile(developmentMasterKey, DEVELOPMENT_MARK).catch(unlessItExists);
    return readKeyFile(developmentMasterKey, production);
  }
  return readKeyFile(path, production);
}

/**
 * Writes a new master key, readable by its owner only. It never overwrites a file, because everything that its key
 * wraps would be lost.
 *
 * @throws ConfigurationError if the file exists or cannot be written
 */
export async function generateMasterKeyFile(path: string): Promise<void> {
  try {
    await writeKeyFile(path, '');
  } catch (error) {
    const fault = isErrno(error, 'EEXIST') ? 'exists already and is not overwritten' : `cannot be written: ${error}`;
    throw new ConfigurationError(VARIABLE, `${path} ${fault}`, { cause: error });
  }
}

/** The key in a file; undefined where there is no file. */
export async function masterKeyIn(path: string, production: boolean): Promise<MasterKey | undefined> {
  const isThere = await access(path).then(
    () => true,
    (error: unknown) => !isErrno(error, 'ENOENT'),
  );
  return isThere ? readKeyFile(path, production) : undefined;
}

async function readKeyFile(path: string, production: boolean): Promise<MasterKey> {
  const content = (await readKeyText(path)).trim();
  const isDevelopmentKey = content.startsWith(DEVELOPMENT_MARK);
  if (production) {
    if (isDevelopmentKey) {
      throw new ConfigurationError(VARIABLE, `${path} holds a development key, refused in production; ${MADE_BY}`);
    }
    const mode = (await stat(path)).mode & 0o777;
    if ((mode & 0o007) !== 0) {
      const found = mode.toString(8).padStart(4, '0');
      throw new ConfigurationError(VARIABLE, `${path} is open to every user (mode ${found}); run: chmod 600 ${path}`);
    }
  }
  const encoded = isDevelopmentKey ? content.slice(DEVELOPMENT_MARK.length) : content;
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== encoded) {
    throw new ConfigurationError(VARIABLE, `${path} does not hold ${KEY_BYTES} bytes in base64; ${MADE_BY}`);
  }
  return masterKeyOf(key);
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

function masterKeyOf(key: Buffer): MasterKey {
  const fingerprint = createHash('sha256').update('remit/v1/master-key-id\0').update(key).digest('base64url');
  return {
    id: `file:${fingerprint.slice(0, 16)}`,
    wrap: async (content, context) => encrypt(key, content, context),
    unwrap: async (wrapped, context) => decrypt(key, wrapped, context),
  };
}

/** A hard link makes the whole file appear at once, and only where none exists: two processes end up with one key. */
async function writeKeyFile(path: string, mark: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${mark}${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await file.sync();
    await link(draft, path);
  } finally {
    await file.close();
    await rm(draft);
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

function isErrno(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
