import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { DataSource } from 'typeorm';
import type { KeyStore } from '../../keys/key-store';
import {
  type KeyKind,
  type KeyRecord,
  RotatingKeys,
  type RotatingKeysOptions,
} from '../../keys/rotation/rotating-keys';

export interface SigningKey {
  readonly id: string;
  readonly publicKey: JWK;
  readonly privateKey: Awaited<ReturnType<typeof importJWK>>;
}

/** A public key of certificates, with the time of its use in ISO 8601. `until` is null for the newest. */
export type PublishedKey = JWK & { readonly used: { readonly from: string; readonly until: string | null } };

const certificateKeys: KeyKind<SigningKey> = {
  use: 'certificates',
  make: async () => {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const [privateKey, publicKey] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)]);
    const id = await calculateJwkThumbprint(publicKey);
    const published = { ...publicKey, kid: id, alg: 'EdDSA', use: 'sig' };
    return { id, publicKey: JSON.stringify(published), secret: JSON.stringify(privateKey) };
  },
  open: async (secret, record) => {
    const privateKey = await importJWK(JSON.parse(secret) as JWK, 'EdDSA');
    return { id: record.id, publicKey: publicKeyOf(record), privateKey };
  },
};

/** The platform's Ed25519 keys for certificates. What an earlier one signed is verified by its public half for ever. */
export class SigningKeys {
  readonly rotating: RotatingKeys<SigningKey>;

  constructor(source: DataSource, keys: KeyStore, options: RotatingKeysOptions = {}) {
    this.rotating = new RotatingKeys({ source, keys }, certificateKeys, options);
  }

  /** The key that signs now. */
  readonly current = async (): Promise<SigningKey> => (await this.rotating.current()).key;

  /** All public keys ever used, and one that is about to be, as JWKs (RFC 8037), for verifying certificates. */
  async publicKeys(): Promise<PublishedKey[]> {
    await this.rotating.current();
    const records = await this.rotating.records();
    return records.map((record) => {
      const { usedFrom, usedUntil } = record;
      const until = usedUntil === undefined ? null : new Date(usedUntil).toISOString();
      return { ...publicKeyOf(record), used: { from: new Date(usedFrom).toISOString(), until } };
    });
  }
}

const publicKeyOf = ({ publicKey }: KeyRecord): JWK => JSON.parse(publicKey ?? '{}') as JWK;
