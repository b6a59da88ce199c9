import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { KEY_CACHE_TTL_MS } from '../../../src/keys/key-cache';
import { KeyStore } from '../../../src/keys/key-store';
import { generateMasterKeyFile } from '../../../src/keys/master-key';
import type { openRootKeys as Open, RootConfig, RootKeys } from '../../../src/keys/roots/root-keys';
import { DAY_MS } from '../../../src/law/calendar';
import { databases, type TestDatabase } from '../../support/databases';
import { root } from '../../support/root';
import { openKeysSource } from '../keys-source';
import { clientsFolder } from './client-packages';
import type { KeyServer } from './servers/key-server';
import { startVault } from './servers/vault';
import { softHsm } from './soft-hsm';

// The token's library runs in a process of its own, which runs what was built.
const { openRootKeys } = require(join(root, 'dist/src/keys/roots/root-keys.js')) as { openRootKeys: typeof Open };

const hsm = softHsm();
const folder = mkdtempSync(join(tmpdir(), 'remit-turning-'));
const before = { ...process.env };
beforeAll(() => Object.assign(process.env, hsm?.env, { NODE_PATH: clientsFolder }));
afterAll(() => {
  process.env = before;
  hsm?.remove();
  rmSync(folder, { recursive: true });
});

describe.each(databases)('on $name', ({ create }) => {
  let database: TestDatabase;
  let source: DataSource;
  let time: number;
  const closing: Array<{ close(): void | Promise<void> }> = [];

  beforeEach(async () => {
    database = await create();
    source = await openKeysSource(database.keysDatabaseUrl);
    time = Date.now();
  });
  afterEach(async () => {
    for (const one of closing.splice(0)) await one.close();
    await source.destroy();
    await database.drop();
  });

  async function open(config: Omit<RootConfig, 'production'>): Promise<{ roots: RootKeys; keys: KeyStore }> {
    const roots = await openRootKeys({ ...config, production: true });
    const keys = new KeyStore(source, roots, { now: () => time, epoch: DAY_MS });
    closing.push(keys, roots);
    return { roots, keys };
  }

  async function plant(keys: KeyStore) {
    const client = randomUUID();
    const people = Array.from({ length: 10 }, () => randomUUID());
    await keys.createClientKey(client);
    const made = await keys.createSubjectKeys(client, people);
    const [gone = '', ...kept] = people;
    return { client, gone, kept, made };
  }

  if (hsm) {
    test('an epoch turns in a token: a root is made there, takes over, and the old one is destroyed there', async () => {
      const { roots, keys } = await open({ rootKey: hsm.uri });
      const { client, gone, kept, made } = await plant(keys);
      const [old = ''] = await roots.ids();
      const epoch = await keys.destroySubjectKey(client, gone);
      expect(await keys.epochs.isFinal(epoch)).toBe(false);
      expect(await keys.epochs.turn()).toMatchObject({ epoch: 1, destroyed: 1 });
      time = Date.now();
      expect(await keys.epochs.isFinal(epoch)).toBe(true);
      const now = await roots.ids();
      expect(now).toHaveLength(1);
      expect(now).not.toContain(old);
      expect((await keys.epochs.list()).map(({ rootId, state }) => [rootId, state])).toEqual([
        [old, 'ENDED'],
        [now[0], 'CURRENT'],
      ]);
      // Another server opens what lives, by the new root.
      const { keys: other } = await open({ rootKey: hsm.uri });
      const read = await other.subjectKeys(client, [gone, ...kept]);
      expect([...read.keys()].sort()).toEqual([...kept].sort());
      for (const person of kept) expect(read.get(person)).toEqual(made.get(person));
      await roots.destroy(now[0] ?? '');
    });

    test('roots move from a file into a token, and back', async () => {
      const file = join(mkdtempSync(join(folder, 'moving-')), 'master.key');
      await generateMasterKeyFile(file);
      const { keys } = await open({ masterKeyFile: file });
      const { client, kept, made } = await plant(keys);
      const moving = await open({ rootKey: hsm.uri, rootKeyBefore: `file:${file}` });
      await moving.keys.epochs.turn();
      expect(existsSync(file)).toBe(false);
      const { keys: inToken, roots } = await open({ rootKey: hsm.uri });
      expect(await inToken.subjectKeys(client, kept)).toEqual(new Map(kept.map((each) => [each, made.get(each)])));
      const other = join(mkdtempSync(join(folder, 'back-')), 'master.key');
      await generateMasterKeyFile(other);
      const back = await open({ masterKeyFile: other, rootKeyBefore: hsm.uri });
      await back.keys.epochs.turn();
      expect(await roots.ids()).toEqual([]);
      const { keys: inFile } = await open({ masterKeyFile: other });
      expect(await inFile.subjectKeys(client, kept)).toEqual(new Map(kept.map((each) => [each, made.get(each)])));
    });
  }

  test.each(['a file', 'a Vault'] as const)(
    'a move away from %s that was interrupted ends only where the old place is named',
    async (before) => {
      const [one, other] = [await startVault(), await startVault()];
      closing.push(one, other);
      const inVault = ({ rootKey, env }: KeyServer) => ({
        rootKey,
        rootAccess: { vault: { token: env.VAULT_TOKEN, namespace: env.VAULT_NAMESPACE } },
      });
      const file = join(mkdtempSync(join(folder, 'moving-')), 'master.key');
      await generateMasterKeyFile(file);
      const from = before === 'a file' ? { masterKeyFile: file } : inVault(one);
      const at = before === 'a file' ? `file:${file}` : one.rootKey;
      const { roots: old, keys } = await open(from);
      const { client, gone, kept, made } = await plant(keys);
      const [root] = await old.ids();
      const epoch = await keys.destroySubjectKey(client, gone);
      const dying = (at: string) => ({
        progress: ({ step }: { step: string }) => {
          if (step === at) throw new Error('killed');
        },
      });
      const moving = await open({ ...inVault(other), rootKeyBefore: at });
      await expect(moving.keys.epochs.turn(dying('destroying'))).rejects.toThrow('killed');
      // The setting is taken away too early.
      const early = await open(inVault(other));
      await expect(early.keys.epochs.resume()).rejects.toMatchObject({
        code: 'EPOCH_UNFINISHED',
        message: expect.stringMatching(
          /its root \S+ was in another place, and may live on there; .* REMIT_ROOT_KEY_BEFORE/,
        ),
      });
      expect((await keys.epochs.list()).map(({ state }) => state)).toEqual(['DESTROYING', 'CURRENT']);
      expect(await early.keys.epochs.isFinal(epoch)).toBe(false);
      expect(await old.ids()).toEqual([root]);
      // It dies once more, when nothing is left in the old place.
      const again = await open({ ...inVault(other), rootKeyBefore: at });
      await expect(again.keys.epochs.resume(dying('destroyed'))).rejects.toThrow('killed');
      const last = await open({ ...inVault(other), rootKeyBefore: at });
      await last.keys.epochs.resume();
      time = Date.now();
      expect(await last.keys.epochs.isFinal(epoch)).toBe(true);
      expect([existsSync(file), (await last.roots.ids()).length]).toEqual([before !== 'a file', 1]);
      const { keys: moved } = await open(inVault(other));
      expect(await moved.subjectKeys(client, kept)).toEqual(new Map(kept.map((each) => [each, made.get(each)])));
    },
  );

  test('no read waits for a KMS but the first one after half a minute', async () => {
    const server = await startVault();
    const vault = { token: server.env.VAULT_TOKEN, namespace: server.env.VAULT_NAMESPACE };
    const { keys } = await open({ rootKey: server.rootKey, rootAccess: { vault } });
    const clients = [await plant(keys), await plant(keys)];
    const from = server.calls.length;
    const times = 5;
    // A read every second, of clients, people and derived keys.
    for (let second = 0; second < (times * KEY_CACHE_TTL_MS) / 1_000; second++) {
      for (const { client, kept } of clients) {
        await keys.subjectKeys(client, [kept[second % kept.length] ?? '']);
        await keys.derivedKey(client, 'cursor');
      }
      time += 1_000;
    }
    const asked = server.calls.slice(from);
    expect(new Set(asked)).toEqual(new Set(['POST decrypt/KEY']));
    expect(asked.length).toBeLessThanOrEqual(times);
    await server.close();
  });
});
