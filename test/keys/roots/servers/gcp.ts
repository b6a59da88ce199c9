import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { makeCertificates } from '../../../support/certificates';
import { clientsFolder } from '../client-packages';
import { InnerKey, type KeyServer, Weather } from './key-server';

const KEY = 'projects/remit-test/locations/europe-west3/keyRings/privacy/cryptoKeys/roots';
const EMAIL = 'remit@remit-test.iam.gserviceaccount.com';
/** A key's `destroyScheduledDuration`; Google's own default. */
const DESTROY_S = 30 * 86_400;

interface Version {
  readonly inner: InnerKey;
  state: 'PENDING_GENERATION' | 'ENABLED' | 'DESTROY_SCHEDULED';
  destroyTime?: { readonly seconds: number };
}

/** What is used of `@grpc/grpc-js` and `@grpc/proto-loader`, which the client brings along. */
interface Grpc {
  readonly Server: new () => Server;
  readonly ServerCredentials: {
    createSsl(ca: null, pairs: ReadonlyArray<{ readonly cert_chain: Buffer; readonly private_key: Buffer }>): object;
  };
  loadPackageDefinition(definition: object): Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, number>>;
}

interface Server {
  addService(service: object, acts: object): void;
  bindAsync(address: string, credentials: object, bound: (error: Error | null, port: number) => void): void;
  forceShutdown(): void;
}

interface Call {
  readonly request: Readonly<Record<string, unknown>>;
  readonly metadata: { get(name: string): unknown[] };
}

type Answer = (error: object | null, answer?: object) => void;

/**
 * Google Cloud KMS over gRPC and TLS, by the service's own definition as the client's package ships it. Callers show
 * the signed token of a service account, which is checked. Undefined where there is no openssl.
 */
export async function startGcp(folder: string): Promise<KeyServer | undefined> {
  const certificates = makeCertificates(folder, 'localhost');
  if (!certificates) return undefined;
  // It is read once, when the client is loaded.
  process.env.GRPC_DEFAULT_SSL_ROOTS_FILE_PATH = certificates.ca;
  const load = createRequire(join(clientsFolder, 'google-gax', 'package.json'));
  const grpc = load('@grpc/grpc-js') as Grpc;
  const { fromJSON } = load('@grpc/proto-loader') as { fromJSON(json: object, options: object): object };
  const definition = JSON.parse(
    readFileSync(join(clientsFolder, '@google-cloud/kms/build/protos/protos.json'), 'utf8'),
  );
  const loaded = grpc.loadPackageDefinition(fromJSON(definition, { enums: String, longs: Number, defaults: true }));
  const { google } = loaded as { google: { cloud: { kms: { v1: { KeyManagementService: { service: object } } } } } };
  const { service } = google.cloud.kms.v1.KeyManagementService;

  const account = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKey = account.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  const credentials = join(folder, 'account.json');
  writeFileSync(
    credentials,
    JSON.stringify({ type: 'service_account', project_id: 'remit-test', client_email: EMAIL, private_key: privateKey }),
  );

  const weather = new Weather();
  const versions = new Map<string, Version>();
  const fault = (code: string) => ({ code: grpc.status[code], details: 'as documented' });
  const shown = (number: string) => {
    const { state, destroyTime } = versions.get(number) as Version;
    return { name: `${KEY}/cryptoKeyVersions/${number}`, state, ...(destroyTime ? { destroyTime } : {}) };
  };
  const numberOf = (name: unknown) => {
    const [key, number = ''] = String(name).split('/cryptoKeyVersions/');
    return key === KEY && versions.has(number) ? number : undefined;
  };
  const versionOf = (name: unknown) => versions.get(numberOf(name) ?? '');
  const acts: Readonly<Record<string, (request: Call['request']) => object>> = {
    CreateCryptoKeyVersion: ({ parent }) => {
      if (parent !== KEY) throw fault('NOT_FOUND');
      const number = String(versions.size + 1);
      // As a key with protection level HSM.
      versions.set(number, { inner: new InnerKey(), state: 'PENDING_GENERATION' });
      return shown(number);
    },
    GetCryptoKeyVersion: ({ name }) => {
      const number = numberOf(name);
      if (number === undefined) throw fault('NOT_FOUND');
      const version = versions.get(number) as Version;
      if (version.state === 'PENDING_GENERATION') version.state = 'ENABLED';
      return shown(number);
    },
    ListCryptoKeyVersions: ({ parent, filter }) => {
      if (parent !== KEY || filter !== 'state=ENABLED') throw fault('INVALID_ARGUMENT');
      const enabled = [...versions].filter(([, { state }]) => state === 'ENABLED').map(([number]) => shown(number));
      return { cryptoKeyVersions: enabled, totalSize: enabled.length };
    },
    Encrypt: ({ name, plaintext, additionalAuthenticatedData }) => {
      const version = versionOf(name);
      if (!version) throw fault('NOT_FOUND');
      if (version.state !== 'ENABLED') throw fault('FAILED_PRECONDITION');
      const sealed = version.inner.seal(plaintext as Buffer, additionalAuthenticatedData as Buffer);
      return { name, ciphertext: Buffer.concat([Buffer.from([Number(numberOf(name))]), sealed]) };
    },
    Decrypt: ({ name, ciphertext, additionalAuthenticatedData }) => {
      if (name !== KEY) throw fault('INVALID_ARGUMENT');
      const bytes = ciphertext as Buffer;
      const version = versions.get(String(bytes[0]));
      if (version && version.state !== 'ENABLED') throw fault('FAILED_PRECONDITION');
      const plaintext = version?.inner.open(bytes.subarray(1), additionalAuthenticatedData as Buffer);
      if (!plaintext) throw fault('INVALID_ARGUMENT');
      return { plaintext };
    },
    DestroyCryptoKeyVersion: ({ name }) => {
      const version = versionOf(name);
      if (!version) throw fault('NOT_FOUND');
      if (version.state !== 'ENABLED') throw fault('FAILED_PRECONDITION');
      version.state = 'DESTROY_SCHEDULED';
      version.destroyTime = { seconds: Math.round(Date.now() / 1_000) + DESTROY_S };
      return shown(numberOf(name) ?? '');
    },
  };
  const handlers = Object.entries(acts).map(([act, answerTo]) => {
    const handle = async ({ request, metadata }: Call, answer: Answer) => {
      try {
        const [authorization = ''] = metadata.get('authorization');
        await jwtVerify(String(authorization).replace('Bearer ', ''), account.publicKey, { issuer: EMAIL });
      } catch {
        return answer(fault('UNAUTHENTICATED'));
      }
      if (!weather.answers(act)) return answer(fault('UNAVAILABLE'));
      if (weather.isForbidden) return answer(fault('PERMISSION_DENIED'));
      try {
        return answer(null, answerTo(request));
      } catch (error) {
        return answer(error as object);
      }
    };
    return [act, handle] as const;
  });
  const server = new grpc.Server();
  server.addService(service, Object.fromEntries(handlers));
  const tls = grpc.ServerCredentials.createSsl(null, [
    { cert_chain: readFileSync(certificates.cert), private_key: readFileSync(certificates.key) },
  ]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', tls, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const { calls, overload, forbid } = weather;
  return {
    rootKey: `gcp-kms:${KEY}?endpoint=https://localhost:${port}`,
    env: { GOOGLE_APPLICATION_CREDENTIALS: credentials },
    secrets: [privateKey.slice(60, 120)],
    ...{ calls, overload, forbid },
    close: async () => server.forceShutdown(),
  };
}
