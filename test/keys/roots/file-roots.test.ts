import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RootKeyError, UnsealError } from '../../../src/keys/errors';
import { generateMasterKeyFile } from '../../../src/keys/master-key';
import { FileRoots } from '../../../src/keys/roots/file-roots';
import { openRootKeys, type RootKeys } from '../../../src/keys/roots/root-keys';
import { caveatsAt } from '../../../src/keys/roots/wiped-file';
import { ConfigurationError } from '../../../src/storage/errors';
import { withFileLock } from '../../../src/storage/file-lock';
import { root } from '../../support/root';

const home = process.cwd();
const CONTEXT = 'epoch 1';
const KEY = Buffer.alloc(32, 7);
let folder: string;
let file: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'remit-file-roots-'));
  file = join(folder, 'master.key');
  await generateMasterKeyFile(file);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (production = true) => FileRoots.open(file, { production });
const only = async (roots: RootKeys) => {
  const [id = ''] = await roots.ids();
  return id;
};
/** Every file of the folder but the lock, which stays. */
const files = () => readdirSync(folder).filter((name) => !name.endsWith('.lock'));
const contents = () => files().map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);

describe('roots in files', () => {
  test('a root is made, takes over, and the old one is gone from every file', async () => {
    const roots = await open();
    const old = await only(roots);
    const oldText = readFileSync(file, 'utf8');
    const wrapped = await roots.wrap(old, KEY, CONTEXT);
    const made = await roots.create();
    expect(await roots.ids()).toEqual([old, made]);
    const rewrapped = await roots.wrap(made, await roots.unwrap(old, wrapped, CONTEXT), CONTEXT);
    const before = Date.now();
    const ended = await roots.destroy(old);
    expect(ended).toBeGreaterThanOrEqual(before);
    expect(ended).toBeLessThanOrEqual(Date.now());
    expect(await roots.ids()).toEqual([made]);
    expect(await roots.unwrap(made, rewrapped, CONTEXT)).toEqual(KEY);
    await expect(roots.unwrap(old, wrapped, CONTEXT)).rejects.toThrow(RootKeyError);
    await expect(roots.wrap(old, KEY, CONTEXT)).rejects.toThrow(RootKeyError);
    expect(files()).toEqual(['master.key']);
    expect(readFileSync(file, 'utf8')).not.toBe(oldText);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await roots.destroy(old);
    expect(await roots.ids()).toEqual([made]);
  });

  test('the old file is overwritten in its place before its name goes, and its blocks are given back', async () => {
    const roots = await open();
    const old = await only(roots);
    const text = readFileSync(file, 'utf8');
    // A second name, as a backup by hard links makes one: it shows what became of the bytes.
    linkSync(file, join(folder, 'witness'));
    await roots.create();
    await roots.destroy(old);
    expect(readFileSync(join(folder, 'witness'), 'utf8')).not.toContain(text.trim().slice(0, 8));
    const hasFallocate = spawnSync('fallocate', ['--version']).status === 0;
    if (hasFallocate) expect(statSync(join(folder, 'witness')).blocks).toBe(0);
    else if (process.env.CI === 'true') throw new Error('fallocate (util-linux) must be installed.');
  });

  test('context and root are bound', async () => {
    const roots = await open();
    const [old, made] = [await only(roots), await roots.create()];
    const wrapped = await roots.wrap(old, KEY, CONTEXT);
    await expect(roots.unwrap(old, wrapped, 'epoch 2')).rejects.toThrow(UnsealError);
    await expect(roots.unwrap(made, wrapped, CONTEXT)).rejects.toThrow(UnsealError);
  });

  test('another process sees the new root and the end of the old one without a restart', async () => {
    const [one, other] = [await open(), await open()];
    const old = await only(other);
    const made = await one.create();
    const wrapped = await other.wrap(made, KEY, CONTEXT);
    await one.destroy(old);
    expect(await other.ids()).toEqual([made]);
    expect(await other.unwrap(made, wrapped, CONTEXT)).toEqual(KEY);
    await expect(other.wrap(old, KEY, CONTEXT)).rejects.toThrow(RootKeyError);
  });

  test('while roots turn, others always find a root that is alive', async () => {
    const [turning, reading] = [await open(), await open()];
    let done = false;
    const turns = (async () => {
      for (let turn = 0; turn < 20; turn++) {
        const old = await only(turning);
        await turning.create();
        await turning.destroy(old);
      }
      done = true;
    })();
    let reads = 0;
    while (!done) {
      expect((await reading.ids()).length).toBeGreaterThan(0);
      reads++;
    }
    await turns;
    expect(reads).toBeGreaterThan(20);
    expect(files()).toEqual(['master.key']);
  });

  test('two processes that end roots wait for each other, and look again: no root in use is overwritten', async () => {
    const slow = await open();
    const old = await only(slow);
    const made = await slow.create();
    let ending: Promise<number> | undefined;
    let done = false;
    let vain = '';
    await withFileLock(`${file}.lock`, async () => {
      ending = slow.destroy(old).finally(() => {
        done = true;
      });
      // Another process ends the same root, and one that has lost its lease makes a newer one.
      await sleep(50);
      renameSync(`${file}.next.${made.slice('file:'.length)}`, file);
      await generateMasterKeyFile(join(folder, 'newer'));
      vain = await only(await FileRoots.open(join(folder, 'newer'), { production: true }));
      renameSync(join(folder, 'newer'), `${file}.next.${vain.slice('file:'.length)}`);
      expect(done).toBe(false);
    });
    await ending;
    expect(await slow.ids()).toEqual([made, vain]);
    // What no epoch uses goes at the next turning, also where it has taken the place of the current one.
    const last = await slow.create();
    await slow.sweep(async () => [last]);
    expect(await slow.ids()).toEqual([last]);
    await slow.sweep(async () => []);
    expect(await slow.ids()).toEqual([last]);
  });

  test('a root is made and noted before another process sweeps, or after it', async () => {
    const [one, other] = [await open(), await open()];
    const used = [await only(one)];
    let sweeping: Promise<void> | undefined;
    const made = await one.create(async (id) => {
      sweeping = other.sweep(async () => [...used]);
      await sleep(50);
      used.push(id);
    });
    await sweeping;
    expect(await one.ids()).toEqual(used);
    let making: Promise<string> | undefined;
    await other.sweep(async () => {
      making = one.create(async (id) => void used.push(id));
      await sleep(50);
      return [...used];
    });
    await making;
    expect(new Set(await one.ids())).toEqual(new Set(used));
    expect(used.slice(1)).toEqual([made, await making]);
  });

  test('who may not sweep any more destroys nothing', async () => {
    const roots = await open();
    const ids = [await only(roots), await roots.create()];
    await expect(roots.sweep(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    expect(await roots.ids()).toEqual(ids);
  });

  test('a root that was made in vain can be destroyed; the only one cannot', async () => {
    const roots = await open();
    const [first, vain] = [await only(roots), await roots.create()];
    await roots.destroy(vain);
    expect(await roots.ids()).toEqual([first]);
    expect(files()).toEqual(['master.key']);
    await expect(roots.destroy(first)).rejects.toThrow(/REMIT_MASTER_KEY_FILE: .*only root/);
    await expect(roots.destroy('aws-kms:1234')).rejects.toThrow(RootKeyError);
    expect(await roots.ids()).toEqual([first]);
  });

  test('what a development key became stays one, and production refuses it', async () => {
    process.chdir(folder);
    try {
      const roots = await openRootKeys({ production: false });
      const old = await only(roots);
      const made = await roots.create();
      const next = join('data', `master.key.next.${made.slice('file:'.length)}`);
      expect(readFileSync(next, 'utf8')).toMatch(/^remit-development-key:/);
      await roots.destroy(old);
      expect(await roots.ids()).toEqual([made]);
      await expect(FileRoots.open('data/master.key', { production: true })).rejects.toThrow(/development key, refused/);
    } finally {
      process.chdir(home);
    }
  });

  test('a next root that every user can read is refused in production', async () => {
    const roots = await open();
    const made = await roots.create();
    chmodSync(`${file}.next.${made.slice('file:'.length)}`, 0o644);
    await expect(roots.ids()).rejects.toThrow(/open to every user \(mode 0644\)/);
  });

  test('production refuses a folder that cannot be written, and says what to use', async () => {
    const mounted = join(folder, 'secret');
    mkdirSync(mounted);
    const asRoot = process.getuid?.() === 0;
    if (asRoot) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
    try {
      cpSync(file, join(mounted, 'master.key'));
      if (asRoot) execFileSync('mount', ['-o', 'remount,ro', mounted]);
      else chmodSync(mounted, 0o500);
      const openThere = (production: boolean) => FileRoots.open(join(mounted, 'master.key'), { production });
      const refusal = await openThere(true).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(ConfigurationError);
      expect((refusal as Error).message).toMatch(
        /^REMIT_MASTER_KEY_FILE: .*cannot write \(E(ROFS|ACCES)\).*no epoch .*REMIT_ROOT_KEY \(docs\/keys\.md\)$/,
      );
      const roots = await openThere(false);
      await expect(roots.create()).rejects.toThrow(/no epoch of the keys can end there/);
    } finally {
      if (asRoot) execFileSync('umount', ['-l', mounted]);
      else chmodSync(mounted, 0o700);
    }
  });

  test('a draft of a process that died is removed, a new one is not', async () => {
    const [stale, fresh] = [`${file}.draft.0123456789ab`, `${file}.draft.ba9876543210`];
    writeFileSync(stale, 'x');
    writeFileSync(fresh, 'x');
    utimesSync(stale, new Date(0), new Date(0));
    await open();
    expect(files().sort()).toEqual(['master.key', 'master.key.draft.ba9876543210']);
  });

  test('the only root goes once roots are made elsewhere', async () => {
    await generateMasterKeyFile(`${file}.other`);
    const config = { masterKeyFile: `${file}.other`, rootKeyBefore: `file:${file}`, production: true };
    const roots = await openRootKeys(config);
    const before = `file:${(await only(await open())).slice('file:'.length)}`;
    expect(await roots.ids()).toEqual([expect.stringMatching(/^file:/), before]);
    const wrapped = await roots.wrap(before, KEY, CONTEXT);
    expect(await roots.unwrap(before, wrapped, CONTEXT)).toEqual(KEY);
    await roots.destroy(before);
    expect(files()).toEqual(['master.key.other']);
    // Until the setting is taken away.
    const again = await openRootKeys(config);
    await expect(again.unwrap(before, wrapped, CONTEXT)).rejects.toThrow(RootKeyError);
    expect(await again.ids()).toHaveLength(1);
  });

  test('it says why a wiped file could be read', async () => {
    const caveats = await caveatsAt(file);
    for (const caveat of caveats) expect(caveat).toMatch(/keep|elsewhere|fallocate|swap|overwrites/);
  });
});

describe('killed at any step', () => {
  /** Turns once, and dies before the step of that number. */
  const turn = `
    const fs = require('node:fs/promises');
    const [file, dist, last, act] = process.argv.slice(1);
    let steps = 0;
    const step = () => { if (++steps === Number(last)) process.kill(process.pid, 'SIGKILL'); };
    for (const name of ['link', 'rename', 'rm', 'open']) {
      const real = fs[name];
      fs[name] = async (...given) => {
        step();
        const made = await real(...given);
        if (name !== 'open') return made;
        for (const each of ['write', 'writeFile', 'sync']) {
          const own = made[each].bind(made);
          made[each] = async (...words) => (step(), own(...words));
        }
        return made;
      };
    }
    const { FileRoots } = require(dist + '/src/keys/roots/file-roots.js');
    FileRoots.open(file, { production: true }).then(async (roots) => {
      if (act === 'create') return roots.create();
      const [old] = await roots.ids();
      await roots.destroy(old);
    }).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
  `;
  const killAt = (step: number, act: 'create' | 'destroy', PATH = process.env.PATH) =>
    spawnSync(process.execPath, ['-e', turn, file, join(root, 'dist'), String(step), act], {
      encoding: 'utf8',
      env: { PATH },
    });

  test('where nothing gives blocks back, the old bytes are overwritten all the same', async () => {
    const text = readFileSync(file, 'utf8');
    linkSync(file, join(folder, 'witness'));
    await (await open()).create();
    expect(killAt(Number.POSITIVE_INFINITY, 'destroy', '/nowhere')).toMatchObject({ status: 0, stderr: '' });
    const left = readFileSync(join(folder, 'witness'));
    expect(left).toHaveLength(text.length);
    expect([left.includes(text.slice(0, 8)), left.every((byte) => byte === 0)]).toEqual([false, false]);
  });

  test('making a root: it is there whole, or not at all', async () => {
    let step = 1;
    for (; ; step++) {
      const before = await only(await open());
      const { signal, status, stderr } = killAt(step, 'create');
      const roots = await open();
      const [current, ...made] = await roots.ids();
      expect(current).toBe(before);
      for (const id of made) {
        expect(await roots.unwrap(id, await roots.wrap(id, KEY, CONTEXT), CONTEXT)).toEqual(KEY);
        await roots.destroy(id);
      }
      if (signal === null) {
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        break;
      }
    }
    expect(step).toBeGreaterThan(5);
  });

  test('destroying a root: the next opening finishes it, and none but it is lost', async () => {
    let step = 1;
    for (; ; step++) {
      const roots = await open();
      const old = await only(roots);
      const oldText = readFileSync(file, 'utf8').trim();
      const made = await roots.create();
      const wrapped = await roots.wrap(made, KEY, CONTEXT);
      const { signal, status, stderr } = killAt(step, 'destroy');
      const again = await open();
      const ids = await again.ids();
      expect(ids).toContain(made);
      expect(await again.unwrap(made, wrapped, CONTEXT)).toEqual(KEY);
      if (!ids.includes(old)) {
        expect(files()).toEqual(['master.key']);
        expect(contents().filter(([, text]) => text.includes(oldText))).toEqual([]);
      }
      await again.destroy(old);
      expect(await again.ids()).toEqual([made]);
      expect(files()).toEqual(['master.key']);
      if (signal === null) {
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        break;
      }
    }
    expect(step).toBeGreaterThan(8);
  });

  test('a slow process that repeats an end does it to no other root', async () => {
    const roots = await open();
    const old = await only(roots);
    const made = await roots.create();
    await roots.destroy(old);
    // It had read the old root, slept, and now links what is there.
    linkSync(file, `${file}.ended.${old.slice('file:'.length)}`);
    const next = await roots.create();
    expect(await (await open()).ids()).toEqual([made, next]);
    expect(files()).toHaveLength(2);
    // The same while its own end has begun.
    linkSync(file, `${file}.ended.${old.slice('file:'.length)}`);
    await roots.destroy(made);
    expect(await roots.ids()).toEqual([next]);
    expect(files()).toEqual(['master.key']);
  });
});
