import type { DataSource } from 'typeorm';
import type { ChangeRecorder } from '../identity/change-recorder';
import type { EngineProfile } from '../storage/engine-profiles';
import type { Jobs } from '../storage/jobs';
import type { KeyStore } from '../storage/key-store';
import type { Regions } from '../storage/regions';
import type { TenantTable } from '../storage/tables';
import type { Tombstones } from '../storage/tombstones';
import type { ErasureLedger } from './ledger';
import type { Recipients } from './recipients';
import type { SigningKeys } from './signing-key';

/** The queue that erasures wait in. */
export const ERASURE_QUEUE = 'erasure';

/**
 * Copies that are in no table: files, indexes, caches of other rooms. Run again, it removes what is left.
 * @returns how many it removed
 */
export interface Purger {
  readonly store: string;
  /** @param subject null for everything of the client */
  purge(client: string, subject: string | null): Promise<number>;
}

/** What the workings of erasure share. */
export interface ErasureParts {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly ledger: ErasureLedger;
  readonly tombstones: Tombstones;
  readonly signingKeys: SigningKeys;
  readonly recipients: Recipients;
  readonly tables: readonly TenantTable[];
  readonly recorder: ChangeRecorder;
  readonly purgers: readonly Purger[];
  readonly jobs: (source: DataSource) => Jobs;
  readonly profile: (source: DataSource) => Promise<EngineProfile>;
  readonly now: () => number;
  /** The most rows that one transaction changes, below the engine's own bound. */
  readonly chunkRows: number;
}
