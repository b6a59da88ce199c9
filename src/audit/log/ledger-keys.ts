import { createHash, randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { KeyStore } from '../../keys/key-store';
import { platformKey } from '../../keys/platform-key';
import {
  type KeyKind,
  type KeyMaterial,
  type KeyRecord,
  type PreparedKey,
  RotatingKeys,
  type RotatingKeysOptions,
} from '../../keys/rotation/rotating-keys';
import { CheckpointSigner } from './checkpoint';
import { type LedgerKey, statementFor } from './key-history';

/** The keys that sign this installation's checkpoints. Each one is signed by the one before (key-history.ts). */
export class LedgerKeys {
  readonly rotating: RotatingKeys<CheckpointSigner>;

  constructor(source: DataSource, keys: KeyStore, options: RotatingKeysOptions = {}) {
    this.rotating = new RotatingKeys({ source, keys }, kindOf(source, keys), options);
  }

  /** Who signs a checkpoint now: the current key, and for a while the one before, for those who know only that one. */
  async signers(): Promise<readonly [now: CheckpointSigner, ...before: CheckpointSigner[]]> {
    const { key } = await this.rotating.current();
    const former = await this.rotating.former();
    return former ? [key, former] : [key];
  }

  /** Every key there ever was, and one that is about to be used; the first one first. */
  async history(): Promise<LedgerKey[]> {
    await this.rotating.current();
    return (await this.rotating.records()).map(ledgerKeyOf);
  }

  /** Makes a new key, signed by the one of now. */
  prepare(): Promise<PreparedKey> {
    return this.rotating.prepare((now, { secret, publicKey }, { number, usedFrom }) =>
      statementFor(
        { number, usedFrom, publicKey: Buffer.from(publicKey ?? '', 'base64'), former: now.publicKey },
        { former: now, next: new CheckpointSigner(Buffer.from(secret, 'base64')) },
      ),
    );
  }
}

function kindOf(source: DataSource, keys: KeyStore): KeyKind<CheckpointSigner> {
  return {
    use: 'ledger',
    make: async () => materialOf(randomBytes(32)),
    first: async () => {
      // Ledgers from before rotation were signed by a key that is derived from the platform's own.
      const [head] = await source.query<unknown[]>('SELECT log_id FROM audit_head LIMIT 1');
      return head ? materialOf(await platformKey(keys, 'audit-signing')) : undefined;
    },
    open: async (secret) => new CheckpointSigner(Buffer.from(secret, 'base64')),
  };
}

function materialOf(seed: Buffer): KeyMaterial {
  const { publicKey } = new CheckpointSigner(seed);
  const id = createHash('sha256').update(publicKey).digest('base64url');
  return { id, publicKey: publicKey.toString('base64'), secret: seed.toString('base64') };
}

function ledgerKeyOf({ number, publicKey, usedFrom, usedUntil, statement }: KeyRecord): LedgerKey {
  return {
    number,
    publicKey: Buffer.from(publicKey ?? '', 'base64'),
    // Of the first one nobody knows when it began: it may be older than this record of it.
    usedFrom: number === 1 ? 0 : usedFrom,
    usedUntil: usedUntil ?? Number.POSITIVE_INFINITY,
    statement,
  };
}
