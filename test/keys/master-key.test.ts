import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnsealError } from '../../src/keys/errors';
import { generateMasterKeyFile, loadMasterKeyFile } from '../../src/keys/master-key';
import { ConfigurationError } from '../../src/storage/errors';

const home = process.cwd();
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remit-master-key-'));
  file = join(folder, 'master.key');
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

function write(content: string, mode = 0o600): void {
  writeFileSync(file, content);
  chmodSync(file, mode);
}

async function fault(path: string | undefined, production: boolean): Promise<string> {
  const error = await loadMasterKeyFile(path, { production }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigurationError);
  expect((error as ConfigurationError).variable).toBe('REMIT_MASTER_KEY_FILE');
  return (error as ConfigurationError).message;
}

test('a generated key serves in production: it wraps and unwraps, for the same context only', async () => {
  await generateMasterKeyFile(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['master.key']);
  const master = await loadMasterKeyFile(file, { production: true });
  const wrapped = master.wrap(Buffer.from('secret'), 'client-key:1');
  expect(wrapped.includes('secret')).toBe(false);
  expect(String(master.unwrap(wrapped, 'client-key:1'))).toBe('secret');
  expect(() => master.unwrap(wrapped, 'client-key:2')).toThrow(UnsealError);
});

test('a key file is never overwritten', async () => {
  await generateMasterKeyFile(file);
  const before = readFileSync(file);
  await expect(generateMasterKeyFile(file)).rejects.toThrow(/REMIT_MASTER_KEY_FILE: .*not overwritten/);
  expect(readFileSync(file)).toEqual(before);
});

test('the id tells keys apart and is stable', async () => {
  await generateMasterKeyFile(file);
  await generateMasterKeyFile(`${file}2`);
  const ids = await Promise.all(
    [file, file, `${file}2`].map(async (path) => (await loadMasterKeyFile(path, { production: true })).id),
  );
  expect(ids[0]).toBe(ids[1]);
  expect(ids[0]).not.toBe(ids[2]);
});

describe('outside production, with no variable', () => {
  test('one development key is made, private and recognisable, and used again', async () => {
    const [one, two] = await Promise.all([
      loadMasterKeyFile(undefined, { production: false }),
      loadMasterKeyFile('', { production: false }),
    ]);
    expect(one.id).toBe(two.id);
    expect((await loadMasterKeyFile(undefined, { production: false })).id).toBe(one.id);
    expect(readFileSync('data/master.key', 'utf8')).toMatch(/^remit-development-key:/);
    expect(statSync('data/master.key').mode & 0o777).toBe(0o600);
    expect(readdirSync('data')).toEqual(['master.key']);
  });

  test('production refuses that key', async () => {
    await loadMasterKeyFile(undefined, { production: false });
    expect(await fault('data/master.key', true)).toMatch(/development key, refused in production/);
  });
});

describe('faults', () => {
  test('production without the variable', async () => {
    expect(await fault(undefined, true)).toMatch(/must be set in production; write one with/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([true, false])('a file that is not there (production %s)', async (production) => {
    expect(await fault(join(folder, 'none'), production)).toMatch(/there is no file/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder in its place', async () => {
    expect(await fault(folder, true)).toMatch(/cannot be read \(EISDIR\)/);
  });

  test('a file open to every user, in production', async () => {
    write(randomBytes(32).toString('base64'), 0o644);
    expect(await fault(file, true)).toMatch(/mode 0644\); run: chmod 600/);
    await expect(loadMasterKeyFile(file, { production: false })).resolves.toBeDefined();
  });

  test.each([
    ['empty', ''],
    ['too short', randomBytes(31).toString('base64')],
    ['too long', randomBytes(33).toString('base64')],
    ['in hex', randomBytes(32).toString('hex')],
    ['with a stray character', `!${randomBytes(32).toString('base64')}`],
  ])('content %s, which the message does not repeat', async (_, content) => {
    write(content);
    const message = await fault(file, true);
    expect(message).toMatch(/does not hold 32 bytes in base64/);
    if (content !== '') expect(message).not.toContain(content);
  });
});
