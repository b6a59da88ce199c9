import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { makeCertificates } from '../../../support/certificates';
import { type Answer, startHttpService } from './http-service';
import { type KeyServer, Weather } from './key-server';

const HOST = 'remit-test.vault.azure.net';
const HEADER = 'identity-header-secret';
const TOKEN = 'eyJremit.azure.token';
const PURGE_DAYS = 90;

interface Key {
  readonly version: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly tags: unknown;
  deleted?: number;
}

/**
 * Azure Key Vault as its REST reference says, with its authentication challenge, over TLS under a real vault's name,
 * and the token endpoint of a managed identity in App Service. Undefined where there is no openssl.
 */
export async function startAzure(folder: string, { isPurgeable = true } = {}): Promise<KeyServer | undefined> {
  const certificates = makeCertificates(folder, HOST);
  if (!certificates) return undefined;
  const weather = new Weather();
  const keys = new Map<string, Key>();
  const recoveryLevel = isPurgeable ? 'Recoverable+Purgeable' : 'Recoverable';
  const fault = (status: number, code: string): Answer => ({
    status,
    body: { error: { code, message: 'as documented' } },
  });
  const bundle = (name: string, key: Key) => ({
    key: {
      kid: `${origin}/keys/${name}/${key.version}`,
      ...key.publicKey.export({ format: 'jwk' }),
      kty: 'RSA',
      key_ops: ['wrapKey', 'unwrapKey'],
    },
    attributes: { enabled: true, created: 1, updated: 1, recoveryLevel, exportable: false },
    tags: key.tags,
    ...(key.deleted === undefined
      ? {}
      : {
          recoveryId: `${origin}/deletedkeys/${name}`,
          deletedDate: key.deleted,
          scheduledPurgeDate: key.deleted + PURGE_DAYS * 86_400,
        }),
  });
  const tls = { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) };
  const vault = await startHttpService(({ method, url, headers, body: text }) => {
    const [, folderName = '', name = '', part = '', act = ''] = url.pathname.split('/');
    const call = `${method} ${folderName}${act || part === 'create' ? ` ${act || part}` : ''}`;
    if (headers.authorization !== `Bearer ${TOKEN}`) {
      const challenge =
        'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"';
      return { ...fault(401, 'Unauthorized'), headers: { 'www-authenticate': challenge } };
    }
    if (!weather.answers(call)) return fault(503, 'ServiceUnavailable');
    if (!/^(7\.\d|20\d\d-\d\d-\d\d)/.test(url.searchParams.get('api-version') ?? '')) return fault(400, 'BadParameter');
    if (weather.isForbidden) return fault(403, 'Forbidden');
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const key = keys.get(name);
    const living = key?.deleted === undefined ? key : undefined;
    if (folderName === 'deletedkeys') {
      if (key?.deleted === undefined) return fault(404, 'KeyNotFound');
      if (method === 'GET') return { status: 200, body: bundle(name, key) };
      if (!isPurgeable) return fault(403, 'Forbidden');
      keys.delete(name);
      return { status: 204 };
    }
    if (method === 'GET' && name === '') {
      const value = [...keys]
        .filter(([, each]) => each.deleted === undefined)
        .map(([each, found]) => {
          const { key: jwk, ...more } = bundle(each, found);
          // The list names no version.
          return { kid: jwk.kid.replace(/\/[0-9a-f]{32}$/, ''), ...more };
        });
      return { status: 200, body: { value, nextLink: null } };
    }
    if (part === 'create') {
      if (body.kty !== 'RSA' || body.key_size !== 3072) return fault(400, 'BadParameter');
      // Smaller than asked for: it is made much faster.
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const made = { ...pair, version: randomBytes(16).toString('hex'), tags: body.tags };
      keys.set(name, made);
      return { status: 200, body: bundle(name, made) };
    }
    if (!living) return fault(404, 'KeyNotFound');
    if (method === 'GET') return { status: 200, body: bundle(name, living) };
    if (method === 'DELETE') {
      living.deleted = Math.round(Date.now() / 1_000);
      return { status: 200, body: bundle(name, living) };
    }
    if (body.alg !== 'RSA-OAEP-256') return fault(400, 'BadParameter');
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const value = Buffer.from(String(body.value), 'base64url');
    try {
      const result =
        act === 'wrapkey'
          ? publicEncrypt({ key: living.publicKey, ...padding }, value)
          : privateDecrypt({ key: living.privateKey, ...padding }, value);
      return { status: 200, body: { kid: bundle(name, living).key.kid, value: result.toString('base64url') } };
    } catch {
      return fault(400, 'BadParameter');
    }
  }, tls);
  const origin = `https://${HOST}:${vault.port}`;
  const identity = await startHttpService(({ url, headers }) => {
    const isRight =
      headers['x-identity-header'] === HEADER && url.searchParams.get('resource') === 'https://vault.azure.net';
    if (!isRight) return { status: 400, body: { message: 'wrong' } };
    const expires = Math.round(Date.now() / 1_000) + 86_400;
    return {
      status: 200,
      body: {
        access_token: TOKEN,
        expires_on: String(expires),
        resource: 'https://vault.azure.net',
        token_type: 'Bearer',
      },
    };
  });
  const leave = leadHere(readFileSync(certificates.ca));
  const { calls, overload, forbid } = weather;
  return {
    rootKey: `azure-key-vault:${origin}?prefix=remit-test`,
    env: { IDENTITY_ENDPOINT: `http://127.0.0.1:${identity.port}/msi/token`, IDENTITY_HEADER: HEADER },
    secrets: [TOKEN, HEADER],
    ...{ calls, overload, forbid },
    close: async () => {
      leave();
      await vault.close();
      await identity.close();
    },
  };
}

/** The vault's real name leads to this machine, and its certificate is trusted. @returns ends that */
function leadHere(ca: Buffer): () => void {
  const { prototype } = Agent;
  const connect = prototype.createConnection;
  const lookup: LookupFunction = (_host, { all }, answer) =>
    all ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4);
  prototype.createConnection = function (options, ...more) {
    return connect.call(this, { ...options, ca, lookup }, ...more);
  };
  return () => {
    prototype.createConnection = connect;
  };
}
