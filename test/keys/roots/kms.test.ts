import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RootKeyError, UnsealError } from '../../../src/keys/errors';
import { RootUnavailableError } from '../../../src/keys/roots/errors';
import { openRootKeys, type RootConfig, type RootKeys } from '../../../src/keys/roots/root-keys';
import { ServiceRoots } from '../../../src/keys/roots/service-roots';
import { VaultTransit } from '../../../src/keys/roots/vault-transit';
import { DAY_MS } from '../../../src/law/calendar';
import { failureOf } from '../../../src/storage/failures';
import { hasClient, leaveOut } from './client-packages';
import { startAws } from './servers/aws';
import { startAzure } from './servers/azure';
import { startGcp } from './servers/gcp';
import type { KeyServer } from './servers/key-server';
import { startVault } from './servers/vault';

const CONTEXT = 'epoch-key:1';
const KEY = Buffer.alloc(32, 7);
const folder = mkdtempSync(join(tmpdir(), 'remit-kms-'));
const before = { ...process.env };
afterAll(() => {
  process.env = before;
  rmSync(folder, { recursive: true });
});

/** A service, and what is asked of it for each thing that roots do. */
interface Service {
  readonly clients: readonly string[];
  start(): Promise<KeyServer | undefined>;
  readonly id: RegExp;
  /** How long after its end a key could be brought back. */
  readonly kept: number;
  readonly asked: Readonly<Record<'create' | 'ids' | 'wrap' | 'unwrap' | 'destroy', readonly string[]>>;
}

const services: Readonly<Record<string, Service>> = {
  'AWS KMS': {
    clients: ['@aws-sdk/client-kms'],
    start: startAws,
    id: /^aws-kms:[0-9a-f-]{36}$/,
    // The least that AWS has, and the day by which it may be late.
    kept: 8 * DAY_MS,
    asked: {
      create: ['CreateKey', 'CreateAlias'],
      ids: ['ListAliases', 'ListAliases'],
      wrap: ['Encrypt'],
      unwrap: ['Decrypt'],
      destroy: ['ScheduleKeyDeletion', 'DeleteAlias'],
    },
  },
  'Google Cloud KMS': {
    clients: ['@google-cloud/kms'],
    start: () => startGcp(mkdtempSync(join(folder, 'gcp-'))),
    id: /^gcp-kms:[\w-]{12}\.\d+$/,
    kept: 30 * DAY_MS,
    asked: {
      create: ['CreateCryptoKeyVersion', 'GetCryptoKeyVersion'],
      ids: ['ListCryptoKeyVersions'],
      wrap: ['Encrypt'],
      unwrap: ['Decrypt'],
      destroy: ['GetCryptoKeyVersion', 'DestroyCryptoKeyVersion'],
    },
  },
  'Azure Key Vault': {
    clients: ['@azure/keyvault-keys', '@azure/identity'],
    start: () => startAzure(mkdtempSync(join(folder, 'azure-'))),
    id: /^azure-key-vault:remit-test-[0-9a-f-]{36}\/[0-9a-f]{32}$/,
    kept: 0,
    asked: {
      create: ['POST keys create'],
      ids: ['GET keys', 'GET keys', 'GET keys'],
      wrap: ['GET keys', 'POST keys wrapkey'],
      unwrap: ['GET keys', 'POST keys unwrapkey'],
      destroy: ['DELETE keys', 'GET deletedkeys', 'GET deletedkeys', 'DELETE deletedkeys', 'GET deletedkeys'],
    },
  },
  Vault: {
    clients: [],
    start: startVault,
    id: /^vault:remit-test-[0-9a-f-]{36}$/,
    kept: 0,
    asked: {
      create: ['POST keys/KEY', 'GET keys/KEY', 'POST encrypt/KEY', 'POST decrypt/KEY'],
      ids: ['GET keys'],
      wrap: ['GET keys/KEY', 'POST encrypt/KEY'],
      unwrap: ['POST decrypt/KEY'],
      destroy: ['GET keys/KEY', 'POST keys/KEY/config', 'DELETE keys/KEY'],
    },
  },
};

function configOf({ rootKey, env }: KeyServer): RootConfig {
  const vault = { token: env.VAULT_TOKEN, namespace: env.VAULT_NAMESPACE };
  return { rootKey, rootAccess: { vault }, production: true };
}

describe.each(Object.entries(services))('roots in %s', (name, { clients, start, id, kept, asked }) => {
  if (!clients.every(hasClient)) return;
  let server: KeyServer;
  let roots: RootKeys;

  beforeAll(async () => {
    const started = await start();
    if (!started) return leaveOut('openssl was not found', 'apt-get install openssl');
    server = started;
    Object.assign(process.env, server.env);
    roots = await openRootKeys(configOf(server));
  });
  afterAll(async () => {
    await roots?.close();
    await server?.close();
  });

  /** What a call asked of the service. */
  async function askedBy<T>(call: () => Promise<T>): Promise<{ result: T; calls: string[] }> {
    const from = server.calls.length;
    const result = await call();
    return { result, calls: server.calls.slice(from) };
  }

  const failing = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    for (const secret of server.secrets) expect(`${error?.message} ${error?.stack}`).not.toContain(secret);
    return error;
  };

  test('made, used, ended, with the calls that are documented', async () => {
    const made = await askedBy(() => roots.create());
    expect(made).toEqual({ result: expect.stringMatching(id), calls: asked.create });
    const one = made.result;
    expect(one.length).toBeLessThanOrEqual(200);
    const two = await roots.create();
    const listed = await askedBy(() => roots.ids());
    expect([...listed.result].sort()).toEqual([one, two].sort());
    expect(listed.calls).toEqual(asked.ids);
    const wrapping = await askedBy(() => roots.wrap(one, KEY, CONTEXT));
    expect(wrapping.calls).toEqual(asked.wrap);
    const wrapped = wrapping.result;
    expect(wrapped.includes(KEY)).toBe(false);
    expect(await askedBy(() => roots.unwrap(one, wrapped, CONTEXT))).toEqual({ result: KEY, calls: asked.unwrap });

    await expect(roots.unwrap(one, wrapped, 'epoch-key:2')).rejects.toThrow(UnsealError);
    await expect(roots.unwrap(two, wrapped, CONTEXT)).rejects.toThrow(UnsealError);
    const altered = Buffer.from(wrapped);
    altered[altered.length - 3] = (altered.at(-3) ?? 0) ^ 1;
    await expect(roots.unwrap(one, altered, CONTEXT)).rejects.toThrow(UnsealError);

    const began = Date.now();
    const end = await askedBy(() => roots.destroy(one));
    expect(end.calls).toEqual(asked.destroy);
    // Services have seconds.
    expect(end.result - kept).toBeGreaterThan(began - 2_000);
    expect(end.result - kept).toBeLessThan(Date.now() + 2_000);
    expect(await roots.ids()).toEqual([two]);
    await expect(roots.unwrap(one, wrapped, CONTEXT)).rejects.toThrow(RootKeyError);
    await expect(roots.wrap(one, KEY, CONTEXT)).rejects.toThrow(RootKeyError);
    const again = await roots.destroy(one);
    if (kept > 0) expect(again).toBe(end.result);
    expect(await roots.ids()).toEqual([two]);
  });

  test('an overloaded service is asked again, but never for a second key', async () => {
    const root = await roots.create();
    const wrapped = await roots.wrap(root, KEY, CONTEXT);
    server.overload(2);
    expect(await roots.unwrap(root, wrapped, CONTEXT)).toEqual(KEY);
    server.overload(99);
    const from = server.calls.length;
    const error = await failing(roots.unwrap(root, wrapped, CONTEXT));
    expect(error).toBeInstanceOf(RootUnavailableError);
    expect(error?.message).toMatch(new RegExp(`^${name} does not answer \\(.+\\); try again\\.$`));
    expect(failureOf(error)).toBe('UNAVAILABLE');
    expect(server.calls.length - from).toBe(3);
    server.overload(1);
    const making = await askedBy(() => failing(roots.create()));
    expect(making.result).toBeInstanceOf(RootUnavailableError);
    expect(making.calls).toHaveLength(1);
    server.overload(0);
    await roots.destroy(root);
  });

  test('a service that refuses is not asked again, and the setting is named', async () => {
    server.forbid(true);
    const { result, calls } = await askedBy(() => failing(roots.ids()));
    server.forbid(false);
    expect(result?.message).toMatch(/^REMIT_ROOT_KEY: .* refused to list \(.+\); docs\/keys\.md lists the permissions/);
    expect(calls).toHaveLength(1);
  });

  test('what was wrapped elsewhere is not asked for here', async () => {
    const { result, calls } = await askedBy(() => failing(roots.unwrap('file:0123456789abcdef', KEY, CONTEXT)));
    expect(result).toBeInstanceOf(RootKeyError);
    expect(result?.message).toContain(`names ${name}, but this store's keys are wrapped by file:0123456789abcdef`);
    expect(calls).toEqual([]);
  });

  test('once it is gone, it is away', async () => {
    await server.close();
    expect(await failing(roots.ids())).toBeInstanceOf(RootUnavailableError);
  });
});

test('a vault with purge protection says when a key has ended', async () => {
  if (!['@azure/keyvault-keys', '@azure/identity'].every(hasClient)) return;
  const server = await startAzure(mkdtempSync(join(folder, 'azure-')), { isPurgeable: false });
  if (!server) return;
  Object.assign(process.env, server.env);
  const roots = await openRootKeys(configOf(server));
  const root = await roots.create();
  const began = Date.now();
  const end = await roots.destroy(root);
  expect(end - 90 * DAY_MS).toBeGreaterThan(began - 2_000);
  expect(end - 90 * DAY_MS).toBeLessThan(Date.now() + 2_000);
  expect(await roots.destroy(root)).toBe(end);
  await server.close();
});

test('a Vault that ignores associated data is refused', async () => {
  const server = await startVault({ ignoresContext: true });
  const roots = await openRootKeys(configOf(server));
  await expect(roots.create()).rejects.toThrow(/REMIT_ROOT_KEY: names a Vault that ignores associated_data/);
  expect(await roots.ids()).toEqual([]);
  await server.close();
});

test('keys of a prefix that begins as another does are that one’s', async () => {
  const server = await startVault();
  const roots = await openRootKeys(configOf(server));
  const ours = await roots.create();
  const us = { ...configOf(server), rootKey: server.rootKey.replace('prefix=remit-test', 'prefix=remit-test-us') };
  const theirs = await (await openRootKeys(us)).create();
  expect(await roots.ids()).toEqual([ours]);
  expect(await (await openRootKeys(us)).ids()).toEqual([theirs]);
  await server.close();
});

test('a service that never answers is given up, and nothing waits for it', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const engine = new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}/transit`);
  const at = { engine, prefix: 'remit' };
  const roots = new ServiceRoots({ scheme: 'vault', at }, new VaultTransit(at, { token: 't' }), {
    use: 50,
    change: 50,
  });
  for (const call of [() => roots.ids(), () => roots.create(), () => roots.destroy('vault:remit-1')]) {
    await expect(call()).rejects.toThrow('Vault does not answer (TIMEOUT); try again.');
  }
  silent.closeAllConnections();
  silent.close();
});
