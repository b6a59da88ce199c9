import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientPackage } from './client-package';
import { type Act, connectionFailureOf, type Failure, type KeyService } from './service-roots';

/** Where keys of Google Cloud are. */
export interface GcpLocation {
  /** projects/P/locations/L/keyRings/R/cryptoKeys/K: each epoch has a version of this key. */
  readonly key: string;
  /** Instead of cloudkms.googleapis.com: one of a private network. */
  readonly endpoint?: string;
}

/** What is used of `@google-cloud/kms`. */
interface GcpPackage {
  readonly KeyManagementServiceClient: new (options: object) => Client;
}

type Call<Output> = (request: object, options: CallOptions) => Promise<readonly [Output, ...unknown[]]>;

interface CallOptions {
  readonly timeout: number;
  readonly retry: null;
}

interface Client {
  readonly createCryptoKeyVersion: Call<Version>;
  readonly getCryptoKeyVersion: Call<Version>;
  readonly listCryptoKeyVersions: Call<readonly Version[]>;
  readonly destroyCryptoKeyVersion: Call<Version>;
  readonly encrypt: Call<{ readonly ciphertext?: Uint8Array | string | null }>;
  readonly decrypt: Call<{ readonly plaintext?: Uint8Array | string | null }>;
  close(): Promise<void>;
}

interface Version {
  readonly name?: string | null;
  readonly state?: string | number | null;
  readonly destroyTime?: Timestamp | null;
  readonly destroyEventTime?: Timestamp | null;
}

interface Timestamp {
  readonly seconds?: number | string | { toNumber(): number } | null;
}

const CALL_MS = 5_000;
const MARK_CHARACTERS = 12;
/** As gRPC numbers it. */
const NOT_FOUND = 5;
const POLL_MS = 500;

/**
 * Keys in Google Cloud KMS: versions of one key, since keys themselves stay for ever. The epoch's end destroys its
 * version, after the time that the key's `destroyScheduledDuration` says.
 */
export class GcpKms implements KeyService {
  readonly name = 'Google Cloud KMS';
  readonly #client: Client;
  readonly #key: string;
  readonly #mark: string;

  private constructor(client: Client, key: string) {
    this.#client = client;
    this.#key = key;
    this.#mark = createHash('sha256').update(key).digest('base64url').slice(0, MARK_CHARACTERS);
  }

  /** @throws ConfigurationError where the client is not installed */
  static open({ key, endpoint }: GcpLocation): GcpKms {
    const { KeyManagementServiceClient } = clientPackage<GcpPackage>('@google-cloud/kms');
    return new GcpKms(new KeyManagementServiceClient(endpoint ? addressOf(endpoint) : {}), key);
  }

  async create(signal: AbortSignal): Promise<string> {
    const [made] = await this.#client.createCryptoKeyVersion({ parent: this.#key, cryptoKeyVersion: {} }, once);
    const version = this.#versionOf(made);
    // In an HSM, a version takes a while.
    for (let { state } = made; state !== 'ENABLED'; ) {
      if (state !== 'PENDING_GENERATION') throw Object.assign(new Error('not made'), { code: 9 });
      await sleep(POLL_MS, undefined, { signal });
      [{ state }] = await this.#client.getCryptoKeyVersion({ name: this.#nameOf(version) }, once);
    }
    return version;
  }

  async list(): Promise<readonly string[]> {
    const [versions] = await this.#client.listCryptoKeyVersions({ parent: this.#key, filter: 'state=ENABLED' }, once);
    return versions.map((version) => this.#versionOf(version));
  }

  async encrypt(version: string, plaintext: Buffer, context: string): Promise<Buffer> {
    const additionalAuthenticatedData = boundTo(version, context);
    const request = { name: this.#nameOf(version), plaintext, additionalAuthenticatedData };
    const [{ ciphertext }] = await this.#client.encrypt(request, once);
    return bytesOf(ciphertext);
  }

  /** Google finds the version by the ciphertext. That it is the one that was asked for, the associated data says. */
  async decrypt(version: string, ciphertext: Buffer, context: string): Promise<Buffer> {
    const additionalAuthenticatedData = boundTo(version, context);
    const [{ plaintext }] = await this.#client.decrypt(
      { name: this.#key, ciphertext, additionalAuthenticatedData },
      once,
    );
    return bytesOf(plaintext);
  }

  /** A version that was destroyed stays on the list: one that is not there is in another place. */
  async destroy(version: string): Promise<number> {
    const name = this.#nameOf(version);
    let [found] = await this.#client.getCryptoKeyVersion({ name }, once);
    if (found.state !== 'DESTROYED' && found.state !== 'DESTROY_SCHEDULED') {
      [found] = await this.#client.destroyCryptoKeyVersion({ name }, once);
    }
    const end = found.state === 'DESTROYED' ? found.destroyEventTime : found.destroyTime;
    const { seconds } = end ?? {};
    const at = typeof seconds === 'object' && seconds !== null ? seconds.toNumber() : Number(seconds ?? Number.NaN);
    if (Number.isNaN(at)) throw new Error('no time of destruction');
    return at * 1_000;
  }

  failureOf(error: unknown, act: Act): Failure {
    const code = statusOf(error) ?? connectionFailureOf(error) ?? (error as Error).name;
    if (act === 'decrypt' && code === 'INVALID_ARGUMENT') return { meaning: 'DAMAGED', code };
    return { meaning: meanings[code] ?? (connectionFailureOf(error) === undefined ? 'REFUSED' : 'AWAY'), code };
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Versions of every key are numbered from 1, so a root's name says of which key it is. */
  #versionOf({ name }: Version): string {
    return `${this.#mark}.${name?.split('/').at(-1) ?? ''}`;
  }

  #nameOf(version: string): string {
    const [mark, number] = version.split('.');
    if (mark !== this.#mark) throw Object.assign(new Error('a version of another key'), { code: NOT_FOUND });
    return `${this.#key}/cryptoKeyVersions/${number}`;
  }
}

const once: CallOptions = { timeout: CALL_MS, retry: null };

function addressOf(endpoint: string): object {
  const { hostname, port } = new URL(endpoint);
  return { apiEndpoint: hostname, port: Number(port || 443) };
}

const boundTo = (version: string, context: string) => Buffer.from(`${version} ${context}`, 'utf8');

/** The client's gRPC gives bytes, its REST base64. */
const bytesOf = (bytes: Uint8Array | string | null | undefined) =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : Buffer.from(bytes ?? []);

/** Codes of gRPC (grpc.io/docs/guides/status-codes). */
const statuses = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

const meanings: Readonly<Record<string, Failure['meaning']>> = {
  NOT_FOUND: 'GONE',
  FAILED_PRECONDITION: 'GONE',
  CANCELLED: 'AWAY',
  DEADLINE_EXCEEDED: 'AWAY',
  RESOURCE_EXHAUSTED: 'AWAY',
  ABORTED: 'AWAY',
  INTERNAL: 'AWAY',
  UNAVAILABLE: 'AWAY',
};

function statusOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? statuses[code] : undefined;
}
