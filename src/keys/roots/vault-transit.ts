import { readFile } from 'node:fs/promises';
import { type OutboundAnswer, OutboundError, type OutboundRequest, send } from '../../outbound/http';
import { ConfigurationError } from '../../storage/errors';
import { isNamedBy, newName } from './key-names';
import type { Act, Failure, KeyService } from './service-roots';

/** Where keys of HashiCorp Vault or OpenBao are, and how to log in. */
export interface VaultLocation {
  /** Of the transit engine: https://vault.example:8200/transit. */
  readonly engine: URL;
  /** Keys are named `PREFIX-…`. */
  readonly prefix: string;
}

/** As Vault's own tools take them. */
export interface VaultAccess {
  readonly token?: string | undefined;
  /** A file that Vault Agent or a sidecar keeps up to date. */
  readonly tokenFile?: string | undefined;
  readonly namespace?: string | undefined;
}

const POLICY = { timeoutMs: 5_000, maxBytes: 1_000_000, privateAddresses: true };

/** An answer that says no. */
class VaultError extends Error {
  constructor(
    readonly status: number,
    readonly says: string,
  ) {
    super(`status ${status}`);
  }
}

/** Keys in the transit engine of HashiCorp Vault or OpenBao, by its HTTP API: there is no client of theirs for Node. */
export class VaultTransit implements KeyService {
  readonly name = 'Vault';
  readonly #location: VaultLocation;
  readonly #access: VaultAccess;

  constructor(location: VaultLocation, access: VaultAccess) {
    this.#location = location;
    this.#access = access;
  }

  async create(): Promise<string> {
    const key = newName(this.#location.prefix);
    const options = { type: 'aes256-gcm96', derived: false, exportable: false, allow_plaintext_backup: false };
    await this.#ask('POST', `keys/${key}`, options);
    await this.#mustBindContext(key);
    return key;
  }

  async list(): Promise<readonly string[]> {
    try {
      const { keys } = await this.#ask<{ keys: readonly string[] }>('GET', 'keys?list=true');
      return keys.filter((key) => isNamedBy(this.#location.prefix, key));
    } catch (error) {
      // So it says that there are none.
      if (error instanceof VaultError && error.status === 404) return [];
      throw error;
    }
  }

  async encrypt(key: string, content: Buffer, context: string): Promise<Buffer> {
    // Where a policy allows it, encrypting under a name that is free makes a key: after its end, an empty shell.
    await this.#ask('GET', `keys/${key}`);
    const plaintext = content.toString('base64');
    const { ciphertext } = await this.#ask<{ ciphertext: string }>('POST', `encrypt/${key}`, {
      plaintext,
      associated_data: base64Of(context),
    });
    return Buffer.from(ciphertext, 'utf8');
  }

  async decrypt(key: string, wrapped: Buffer, context: string): Promise<Buffer> {
    const { plaintext } = await this.#ask<{ plaintext: string }>('POST', `decrypt/${key}`, {
      ciphertext: wrapped.toString('utf8'),
      associated_data: base64Of(context),
    });
    return Buffer.from(plaintext, 'base64');
  }

  async destroy(key: string): Promise<number | undefined> {
    try {
      await this.#ask('GET', `keys/${key}`);
    } catch (error) {
      if (error instanceof VaultError && error.status === 404) return undefined;
      throw error;
    }
    await this.#ask('POST', `keys/${key}/config`, { deletion_allowed: true });
    await this.#ask('DELETE', `keys/${key}`);
    return Date.now();
  }

  failureOf(error: unknown, act: Act): Failure {
    if (error instanceof OutboundError) return { meaning: tls.test(error.code) ? 'REFUSED' : 'AWAY', code: error.code };
    const { status, says } = error as VaultError;
    const code = `status ${status}`;
    if (status === 404 || says?.includes('encryption key not found')) return { meaning: 'GONE', code };
    if (status === 429 || status === 412 || status >= 472) return { meaning: 'AWAY', code };
    return { meaning: act === 'decrypt' && status === 400 ? 'DAMAGED' : 'REFUSED', code };
  }

  close(): void {
    // Each request has a connection of its own.
  }

  /** An old Vault ignores associated data, and would open a key as another. */
  async #mustBindContext(key: string): Promise<void> {
    const wrapped = await this.encrypt(key, Buffer.alloc(32), 'probe');
    const opened = await this.decrypt(key, wrapped, 'another').catch((error: unknown) => {
      if (this.failureOf(error, 'decrypt').meaning === 'DAMAGED') return undefined;
      throw error;
    });
    if (opened === undefined) return;
    await this.destroy(key);
    const fault =
      'names a Vault that ignores associated_data, so it cannot bind a key to its place; bring it up to date';
    throw new ConfigurationError('REMIT_ROOT_KEY', fault);
  }

  async #ask<Data>(method: OutboundRequest['method'], path: string, body?: object): Promise<Data> {
    const { engine } = this.#location;
    const url = new URL(`${engine.origin}/v1${engine.pathname.replace(/\/$/, '')}/${path}`);
    const { namespace } = this.#access;
    const answer = await send(
      {
        url: url.href,
        method,
        headers: {
          'x-vault-request': 'true',
          'x-vault-token': await this.#token(),
          ...(namespace ? { 'x-vault-namespace': namespace } : {}),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      },
      POLICY,
    );
    const said = jsonOf(answer);
    if (answer.status >= 200 && answer.status < 300) return said?.data as Data;
    throw new VaultError(answer.status, said?.errors?.join('; ') ?? '');
  }

  async #token(): Promise<string> {
    const { token, tokenFile } = this.#access;
    if (tokenFile === undefined) {
      if (token) return token;
      throw new ConfigurationError('VAULT_TOKEN', 'must be set beside a root in Vault, or VAULT_TOKEN_FILE');
    }
    try {
      return (await readFile(tokenFile, 'utf8')).trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ConfigurationError('VAULT_TOKEN_FILE', `${tokenFile} cannot be read (${code}); let this user read it`);
    }
  }
}

/** Certificates that are not trusted stay so. */
const tls = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME/;

const base64Of = (text: string) => Buffer.from(text, 'utf8').toString('base64');

function jsonOf({ body }: OutboundAnswer): { data?: unknown; errors?: readonly string[] } | undefined {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString('utf8')) as { data?: unknown; errors?: readonly string[] };
  } catch {
    return undefined;
  }
}
