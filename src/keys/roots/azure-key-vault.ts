import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnsealError } from '../errors';
import { clientPackage } from './client-package';
import { isNamedBy, newName } from './key-names';
import { type Act, connectionFailureOf, type Failure, type KeyService } from './service-roots';

/** Where keys of Azure are. */
export interface AzureLocation {
  readonly vault: string;
  /** Keys are named `PREFIX-…`. */
  readonly prefix: string;
}

/** What is used of `@azure/keyvault-keys` and of `@azure/identity`. */
interface KeysPackage {
  readonly KeyClient: new (vault: string, credential: object, options: object) => KeyClient;
  readonly CryptographyClient: new (key: string, credential: object, options: object) => CryptographyClient;
}

interface IdentityPackage {
  readonly DefaultAzureCredential: new () => object;
}

interface Options {
  readonly abortSignal: AbortSignal;
}

interface NewKey extends Options {
  readonly keySize: number;
  readonly keyOps: readonly string[];
  readonly exportable: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

interface Properties {
  readonly name: string;
  readonly version?: string;
  readonly enabled?: boolean;
  readonly recoveryLevel?: string;
  readonly scheduledPurgeDate?: Date;
}

interface KeyClient {
  createRsaKey(name: string, options: NewKey): Promise<{ readonly properties: Properties }>;
  getKey(name: string, options: Options): Promise<{ readonly properties: Properties }>;
  listPropertiesOfKeys(options: Options): AsyncIterable<Properties>;
  beginDeleteKey(
    name: string,
    options: Options & { readonly intervalInMs: number },
  ): Promise<{ pollUntilDone(options: Options): Promise<unknown> }>;
  getDeletedKey(name: string, options: Options): Promise<{ readonly properties: Properties }>;
  purgeDeletedKey(name: string, options: Options): Promise<void>;
}

interface CryptographyClient {
  wrapKey(algorithm: string, key: Uint8Array, options: Options): Promise<{ readonly result: Uint8Array }>;
  unwrapKey(algorithm: string, wrapped: Uint8Array, options: Options): Promise<{ readonly result: Uint8Array }>;
}

/** Key Vault keeps RSA keys alone; keys of AES need a Managed HSM. */
const ALGORITHM = 'RSA-OAEP-256';
const RSA_BITS = 3072;
const DIGEST_BYTES = 32;
const POLL_MS = 500;
const OPTIONS = { retryOptions: { maxRetries: 0 } };

/**
 * Keys in Azure Key Vault: an RSA key for each epoch. OAEP has no associated data, so a digest of the context is
 * wrapped together with the key.
 */
export class AzureKeyVault implements KeyService {
  readonly name = 'Azure Key Vault';
  readonly #keys: KeyClient;
  readonly #cryptography: (key: string) => CryptographyClient;
  readonly #prefix: string;

  private constructor(keys: KeyClient, cryptography: (key: string) => CryptographyClient, prefix: string) {
    this.#keys = keys;
    this.#cryptography = cryptography;
    this.#prefix = prefix;
  }

  /** @throws ConfigurationError where a client is not installed */
  static open({ vault, prefix }: AzureLocation): AzureKeyVault {
    const { KeyClient, CryptographyClient } = clientPackage<KeysPackage>('@azure/keyvault-keys');
    const { DefaultAzureCredential } = clientPackage<IdentityPackage>('@azure/identity');
    const credential = new DefaultAzureCredential();
    const cryptography = (key: string) =>
      new CryptographyClient(new URL(`/keys/${key}`, vault).href, credential, OPTIONS);
    return new AzureKeyVault(new KeyClient(vault, credential, OPTIONS), cryptography, prefix);
  }

  async create(abortSignal: AbortSignal): Promise<string> {
    const { properties } = await this.#keys.createRsaKey(newName(this.#prefix), {
      abortSignal,
      keySize: RSA_BITS,
      keyOps: ['wrapKey', 'unwrapKey'],
      exportable: false,
      tags: { remit: this.#prefix },
    });
    return `${properties.name}/${properties.version}`;
  }

  async list(abortSignal: AbortSignal): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const { name, enabled } of this.#keys.listPropertiesOfKeys({ abortSignal })) {
      if (!enabled || !isNamedBy(this.#prefix, name)) continue;
      // The list names no versions.
      const { properties } = await this.#keys.getKey(name, { abortSignal });
      keys.push(`${name}/${properties.version}`);
    }
    return keys;
  }

  async encrypt(key: string, content: Buffer, context: string, abortSignal: AbortSignal): Promise<Buffer> {
    const bound = Buffer.concat([digestOf(context), content]);
    return Buffer.from((await this.#cryptography(key).wrapKey(ALGORITHM, bound, { abortSignal })).result);
  }

  async decrypt(key: string, wrapped: Buffer, context: string, abortSignal: AbortSignal): Promise<Buffer> {
    const { result } = await this.#cryptography(key).unwrapKey(ALGORITHM, wrapped, { abortSignal });
    const bound = Buffer.from(result);
    if (bound.length < DIGEST_BYTES || !timingSafeEqual(bound.subarray(0, DIGEST_BYTES), digestOf(context))) {
      throw new UnsealError();
    }
    return bound.subarray(DIGEST_BYTES);
  }

  /** Deletes the key, then purges it, which ends it at once. A vault with purge protection says when it does. */
  async destroy(key: string, abortSignal: AbortSignal): Promise<number | undefined> {
    const [name = ''] = key.split('/');
    const options = { abortSignal };
    const wasThere = await this.#keys.beginDeleteKey(name, { abortSignal, intervalInMs: POLL_MS }).then(
      (poller) => poller.pollUntilDone(options).then(() => true),
      (error: unknown) => unlessStatus(404, error, false),
    );
    const deleted = await this.#deleted(name, options);
    if (!deleted) return wasThere ? Date.now() : undefined;
    const { recoveryLevel = '', scheduledPurgeDate } = deleted;
    if (!recoveryLevel.includes('Purgeable') && scheduledPurgeDate) return scheduledPurgeDate.getTime();
    await this.#keys.purgeDeletedKey(name, options);
    while (await this.#deleted(name, options)) await sleep(POLL_MS, undefined, { signal: abortSignal });
    return Date.now();
  }

  failureOf(error: unknown, act: Act): Failure {
    const { statusCode = 0, code: said, name } = error as { statusCode?: number; code?: string; name?: string };
    const code = connectionFailureOf(error) ?? (typeof said === 'string' ? said : undefined) ?? name ?? 'Error';
    if (connectionFailureOf(error) !== undefined || away.has(code) || statusCode === 429 || statusCode >= 500) {
      return { meaning: 'AWAY', code };
    }
    if (statusCode === 404 || statusCode === 409) return { meaning: 'GONE', code };
    return { meaning: act === 'decrypt' && statusCode === 400 ? 'DAMAGED' : 'REFUSED', code };
  }

  close(): void {
    // Its clients hold nothing open.
  }

  async #deleted(name: string, options: Options): Promise<Properties | undefined> {
    return this.#keys.getDeletedKey(name, options).then(
      ({ properties }) => properties,
      (error: unknown) => unlessStatus(404, error, undefined),
    );
  }
}

const away: ReadonlySet<string> = new Set(['REQUEST_SEND_ERROR', 'AbortError']);

const digestOf = (context: string) => createHash('sha256').update(context, 'utf8').digest();

function unlessStatus<T>(status: number, error: unknown, otherwise: T): T {
  if ((error as { statusCode?: number }).statusCode !== status) throw error;
  return otherwise;
}
