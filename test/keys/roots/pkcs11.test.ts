import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { openRootKeys as Open, RootConfig, RootKeys } from '../../../src/keys/roots/root-keys';
import { root } from '../../support/root';
import { clientsFolder } from './client-packages';
import { PIN, softHsm } from './soft-hsm';

// The token's library runs in a process of its own, which runs what was built.
const { openRootKeys } = require(join(root, 'dist/src/keys/roots/root-keys.js')) as { openRootKeys: typeof Open };

const CONTEXT = 'epoch 1';
const KEY = Buffer.alloc(32, 7);
const hsm = softHsm();
const opened: RootKeys[] = [];
const before = { ...process.env };

beforeAll(() => Object.assign(process.env, hsm?.env, { NODE_PATH: clientsFolder }));
afterEach(async () => {
  for (const roots of opened.splice(0)) await roots.close();
});
afterAll(() => {
  process.env = before;
  hsm?.remove();
});

async function open(rootKey = hsm?.uri ?? '', more: Partial<RootConfig> = {}): Promise<RootKeys> {
  const roots = await openRootKeys({ rootKey, production: true, ...more });
  opened.push(roots);
  return roots;
}

/** By name and code: the built module has classes of its own. */
const failure = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error: Error) => `${error.name}: ${error.message}`,
  );

(hsm ? describe : describe.skip)('a token that speaks PKCS #11 (SoftHSM2)', () => {
  const { uri = '', folder = '', pinFile = '', module = '' } = hsm ?? {};

  test('a root is made, used and destroyed there', async () => {
    const roots = await open();
    const [one, two] = [await roots.create(), await roots.create()];
    expect(one).toMatch(/^pkcs11:[0-9a-f]{32}$/);
    expect([...(await roots.ids())].sort()).toEqual([one, two].sort());
    const wrapped = await roots.wrap(one, KEY, CONTEXT);
    expect(wrapped.includes(KEY)).toBe(false);
    expect(await roots.unwrap(one, wrapped, CONTEXT)).toEqual(KEY);
    expect(await failure(roots.unwrap(one, wrapped, 'epoch 2'))).toMatch(/^UnsealError/);
    expect(await failure(roots.unwrap(two, wrapped, CONTEXT))).toMatch(/^UnsealError/);
    expect(await failure(roots.unwrap(one, wrapped.subarray(0, 20), CONTEXT))).toMatch(/^UnsealError/);
    const began = Date.now();
    const ended = await roots.destroy(one);
    expect(ended).toBeGreaterThanOrEqual(began);
    expect(ended).toBeLessThanOrEqual(Date.now());
    expect(await roots.ids()).toEqual([two]);
    expect(await failure(roots.unwrap(one, wrapped, CONTEXT))).toMatch(/REMIT_ROOT_KEY: .*no longer has a key/);
    expect(await failure(roots.wrap(one, KEY, CONTEXT))).toMatch(/no longer has a key/);
    await roots.destroy(one);
    await roots.destroy(two);
    expect(await roots.destroy(two)).toBeLessThanOrEqual(Date.now());
  });

  test('the key cannot be read, by whom it may be', async () => {
    const roots = await open();
    const id = await roots.create();
    const look = `
      const p = require('pkcs11js');
      const m = new p.PKCS11();
      m.load(process.argv[1]);
      m.C_Initialize({ flags: p.CKF_OS_LOCKING_OK });
      const slot = m.C_GetSlotList(true).find((one) => m.C_GetTokenInfo(one).label.startsWith('remit test'));
      const session = m.C_OpenSession(slot, p.CKF_RW_SESSION | p.CKF_SERIAL_SESSION);
      m.C_Login(session, p.CKU_USER, process.argv[2]);
      m.C_FindObjectsInit(session, [{ type: p.CKA_ID, value: Buffer.from(process.argv[3], 'hex') }]);
      const [key] = m.C_FindObjects(session, 1);
      m.C_FindObjectsFinal(session);
      const said = (act) => { try { act(); return 'done'; } catch (error) { return error.message; } };
      console.log(JSON.stringify({
        value: said(() => m.C_GetAttributeValue(session, key, [{ type: p.CKA_VALUE }])),
        extractable: said(() => m.C_SetAttributeValue(session, key, [{ type: p.CKA_EXTRACTABLE, value: true }])),
        length: m.C_GetAttributeValue(session, key, [{ type: p.CKA_VALUE_LEN }])[0].value.readUInt32LE(),
      }));
    `;
    const said = execFileSync(process.execPath, ['-e', look, module, PIN, id.slice('pkcs11:'.length)], {
      encoding: 'utf8',
      env: process.env,
    });
    expect(JSON.parse(said)).toEqual({
      value: 'CKR_ATTRIBUTE_SENSITIVE',
      extractable: expect.stringMatching(/^CKR_/),
      length: 32,
    });
  });

  test('another server uses the same roots; one that does not log in sees none', async () => {
    const [one, other] = [await open(), await open()];
    const id = await one.create();
    const wrapped = await one.wrap(id, KEY, CONTEXT);
    expect(await other.unwrap(id, wrapped, CONTEXT)).toEqual(KEY);
    await other.create();
    await other.destroy(id);
    expect(await failure(one.unwrap(id, wrapped, CONTEXT))).toMatch(/no longer has a key/);
  });

  test('the PIN from the environment; a wrong one is tried once only', async () => {
    const bare = uri.replace(/&pin-source=.*$/, '');
    const roots = await open(bare, { rootAccess: { pin: PIN } });
    expect(await failure(roots.ids())).toBe('none');
    expect(await failure((await open(bare)).ids())).toMatch(/^ConfigurationError: .*REMIT_ROOT_KEY_PIN is not set/);
    const wrong = await open(bare, { rootAccess: { pin: 'secret-4712' } });
    for (let attempt = 0; attempt < 5; attempt++) {
      const said = await failure(wrong.ids());
      expect(said).toMatch(/^ConfigurationError: REMIT_ROOT_KEY: the token refused the PIN \(CKR_PIN_INCORRECT\)/);
      expect(said).not.toContain('4712');
    }
    const file = join(folder, 'changing-pin');
    writeFileSync(file, 'wrong-4713');
    const mistaken = await open(uri.replace(pinFile, file));
    expect(await failure(mistaken.ids())).toMatch(/refused the PIN/);
    // Five tries lock most tokens. This one would open now, so nothing was tried.
    writeFileSync(file, PIN);
    expect(await failure(mistaken.ids())).toMatch(/refused the PIN/);
    expect(await failure((await open(uri.replace(pinFile, file))).ids())).toBe('none');
  });

  test('a process that dies is replaced at the next call', async () => {
    const roots = await open();
    const id = await roots.create();
    const wrapped = await roots.wrap(id, KEY, CONTEXT);
    for (const pid of processes()) process.kill(pid, 'SIGKILL');
    expect(await roots.unwrap(id, wrapped, CONTEXT)).toEqual(KEY);
  });

  test('a process that hangs is given up after the limit, and the token is used again by another', async () => {
    const roots = await open();
    const id = await roots.create();
    const [hanging] = processes();
    process.kill(hanging ?? 0, 'SIGSTOP');
    const began = Date.now();
    expect(await roots.unwrap(id, await roots.wrap(id, KEY, CONTEXT), CONTEXT)).toEqual(KEY);
    expect(Date.now() - began).toBeGreaterThan(4_000);
    expect(processes()).not.toContain(hanging);
  });

  test('a token that is taken out is away, and is used again once it is back', async () => {
    const roots = await open();
    const id = await roots.create();
    const wrapped = await roots.wrap(id, KEY, CONTEXT);
    renameSync(join(folder, 'tokens'), join(folder, 'pocket'));
    for (const pid of processes()) process.kill(pid, 'SIGKILL');
    expect(await failure(roots.unwrap(id, wrapped, CONTEXT))).toMatch(
      /^RootUnavailableError: the token remit test does/,
    );
    expect(await failure(roots.destroy(id))).toMatch(/^RootUnavailableError/);
    renameSync(join(folder, 'pocket'), join(folder, 'tokens'));
    expect(await roots.unwrap(id, wrapped, CONTEXT)).toEqual(KEY);
  });

  test('faults are named, and no PIN is in them', async () => {
    const at = (change: (uri: string) => string) => open(change(uri)).then((roots) => failure(roots.ids()));
    expect(await at((text) => text.replace('remit%20test', 'nowhere'))).toMatch(
      /RootUnavailableError: .*TOKEN_NOT_FOUND/,
    );
    expect(await at((text) => text.replace(module, '/no/such.so'))).toMatch(
      /ConfigurationError: .*module that does not/,
    );
    expect(await at((text) => text.replace(pinFile, '/no/pin'))).toMatch(/PIN's file \/no\/pin.*ENOENT/);
    writeFileSync(join(folder, 'other-pin'), 'wrong-5511');
    const wrong = await at((text) => text.replace(pinFile, join(folder, 'other-pin')));
    expect(wrong).toMatch(/refused the PIN/);
    expect(wrong).not.toContain('5511');
  });

  test('without its package it says what to install', async () => {
    process.env.NODE_PATH = '';
    try {
      expect(await failure((await open()).ids())).toMatch(
        /REMIT_ROOT_KEY: needs a package .*; run: npm install pkcs11js@2/,
      );
    } finally {
      process.env.NODE_PATH = clientsFolder;
    }
  });

  test('ends with the server', async () => {
    const roots = await open();
    await roots.ids();
    expect(processes()).not.toEqual([]);
    await roots.close();
    while (processes().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

/** Those that run tokens' libraries for this process. */
function processes(): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const isOurs = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ');
      const isToken = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('pkcs11-process');
      return isToken && Number(isOurs?.[1]) === process.pid && isOurs?.[0] !== 'Z' ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
