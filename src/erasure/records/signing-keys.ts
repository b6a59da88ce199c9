import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { DataSource } from 'typeorm';
import type { KeyStore } from '../../keys/key-store';
import { platformKey } from '../../keys/platform-key';
import { seal, unseal } from '../../keys/sealing';
import { remembered } from '../../storage/remembered';
import { committed } from '../../storage/transaction';
import { writeStatement } from '../../storage/write-statement';

interface StoredKey {
  readonly id: string;
  readonly public_key: string;
  readonly sealed_private: Buffer;
}

export interface SigningKey {
  readonly id: string;
  readonly publicKey: JWK;
  readonly privateKey: Awaited<ReturnType<typeof importJWK>>;
}

const context = (id: string): string => `signing-key:${id}`;

/** The platform's Ed25519 key for certificates, kept in the keys' store and sealed under the platform's own key. */
export class SigningKeys {
  readonly #source: DataSource;
  readonly #keys: KeyStore;
  /** The current signing key, created at first use. */
  readonly current = remembered(() => this.#open());

  constructor(source: DataSource, keys: KeyStore) {
    this.#source = source;
    this.#keys = keys;
  }

  /** All public keys ever used, as JWKs (RFC 8037), for verifying certificates. */
  async publicKeys(): Promise<JWK[]> {
    await this.current();
    return (await this.#stored()).map(({ public_key }) => JSON.parse(public_key) as JWK);
  }

  async #open(): Promise<SigningKey> {
    const [known] = await this.#stored();
    if (!known) await this.#make();
    // When two were created at the same time, all processes use the one with the first id.
    const [row] = await this.#stored();
    if (!row) throw new Error("the keys' store has no signing key, and takes none");
    const sealingKey = await platformKey(this.#keys, 'signing');
    const jwk = unseal(sealingKey, row.sealed_private, context(row.id)) as JWK;
    return { id: row.id, publicKey: JSON.parse(row.public_key) as JWK, privateKey: await importJWK(jwk, 'EdDSA') };
  }

  async #make(): Promise<void> {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const [privateKey, publicKey] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)]);
    const id = await calculateJwkThumbprint(publicKey);
    const sealingKey = await platformKey(this.#keys, 'signing');
    await writeStatement(
      this.#source,
      'INSERT INTO signing_key (id, public_key, sealed_private, created_at) VALUES (?, ?, ?, ?)',
      [
        id,
        JSON.stringify({ ...publicKey, kid: id, alg: 'EdDSA', use: 'sig' }),
        seal(sealingKey, privateKey, context(id)),
        Date.now(),
      ],
      { ownKeys: true },
    );
  }

  #stored(): Promise<StoredKey[]> {
    return committed(this.#source, () =>
      this.#source.query<StoredKey[]>('SELECT id, public_key, sealed_private FROM signing_key ORDER BY id'),
    );
  }
}
