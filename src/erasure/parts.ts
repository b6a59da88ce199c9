import type { DataSource, EntityManager } from 'typeorm';
import type { ChangeRecorder } from '../identity/change-recorder';
import type { Jobs, Lease } from '../jobs/jobs';
import type { KeyStore } from '../keys/key-store';
import type { EngineProfile } from '../storage/engine-profiles';
import type { Regions } from '../storage/regions';
import type { TenantTable } from '../tenancy/tenant-table';
import type { ErasureLedger } from './ledger';
import type { Recipients } from './recipients';
import type { ErasureState } from './requests';
import type { SigningKeys } from './signing-key';
import type { Tombstones } from './tombstones';

/** The queue that erasures wait in. */
export const ERASURE_QUEUE = 'erasure';

/**
 * Copies that are in no table: files, indexes, caches of other rooms. Run again, it removes what is left.
 * @returns how many it removed
 */
export interface Purger {
  readonly store: string;
  /**
   * @param subject null for everything of the client
   * @param since milliseconds since 1970: whatever was copied later cannot hold what is erased
   */
  purge(client: string, subject: string | null, since: number): Promise<number>;
}

/** The end of a client that wants an export first. */
export interface TerminationFiled {
  readonly client: string;
  readonly request: string;
  readonly by: { readonly principal: string; readonly role: string };
  readonly at: number;
  /** When the export is made. */
  readonly notBefore: number;
}

/** Exports of clients, made by the same workers; the end of a client may wait for one. */
export interface TerminationExports {
  /** Files an export in the transaction that files the end. @returns its id, which its job has, too */
  file(manager: EntityManager, end: TerminationFiled): Promise<string>;
  /** The client stays. In the transaction that says so. */
  dismiss(manager: EntityManager, client: string, request: string): Promise<void>;
  /** Parks a client's end while its export waits to be collected. @returns whether it was parked */
  waits(
    lease: Lease,
    end: Pick<ErasureState, 'client' | 'id' | 'dueAt'>,
    tasks: Pick<ErasureParts, 'now' | 'jobs'>,
  ): Promise<boolean>;
  /** @returns false where the job is none of an export */
  carryOut(lease: Lease, tasks: Pick<ErasureParts, 'now' | 'jobs'>): Promise<boolean>;
  /** Removes what nobody collected in time. @returns how many */
  sweep(): Promise<number>;
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
  readonly exports?: TerminationExports | undefined;
  readonly jobs: (source: DataSource) => Jobs;
  readonly profile: (source: DataSource) => Promise<EngineProfile>;
  /** Whether the data is older than the keys' store has seen it: a backup was put back. */
  readonly isDataBehind: () => Promise<boolean>;
  readonly now: () => number;
  /** The most rows that one transaction changes, below the engine's own bound. */
  readonly chunkRows: number;
}
