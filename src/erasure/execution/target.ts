import type { EntityManager } from 'typeorm';
import type { TenantTable } from '../../tenancy/tenant-table';
import type { Retained } from '../records/certificate';
import type { ErasureRecord } from '../records/erasure-records';
import type { ErasureRequestState } from '../requests/request-state';
import type { Chunk, Range } from './eraser';
import type { PlannedStep } from './plan';
import type { Step } from './steps';

/** What legal holds and claims keep of an erasure, at a moment. */
export interface Kept {
  readonly retained: readonly Retained[];
  /** Whether that is all that was asked for. */
  readonly isAll: boolean;
  /** When the first of them ends by itself, in milliseconds since 1970; null where none does. */
  readonly until: number | null;
  /** People of a client that ends whose rows stay: each is erased by a request of their own. */
  readonly people: readonly string[];
}

/** What one pass does, with how many keys it finds to destroy. */
export type PassSteps = ReadonlyArray<PlannedStep & { readonly expected?: number }>;

/** Which rows a step changes. */
export interface ErasedRows {
  readonly counted: ReadonlyArray<{ readonly step: Step; readonly rows: number; readonly done: boolean }>;
  /** Where the next transaction goes on in the last of the steps. */
  readonly next?: Chunk['next'];
}

/** What is erased: a person, or a client with all that it has. Whatever differs between the two is here. */
export interface ErasureTarget {
  /** Every table that a step may be about. */
  readonly tables: readonly TenantTable[];
  /** What recipients are told. */
  readonly event: string;
  /** Locks what is locked before the job. @returns until when an export is waited for; null where none is */
  awaits(manager: EntityManager, request: ErasureRequestState): Promise<number | null>;
  /** Locks whom it is about, and reads what is kept. */
  kept(manager: EntityManager, request: ErasureRequestState): Promise<Kept>;
  /**
   * Tables that have rows though every step on rows is done; in the transaction that goes on only where there are none.
   */
  late(manager: EntityManager, kept: Kept, steps: readonly Step[]): Promise<readonly string[]>;
  /** In the transaction that begins a pass. */
  begin(manager: EntityManager, kept: Kept): Promise<void>;
  /** What a pass does that begins now. */
  plan(request: ErasureRequestState, kept: Kept): Promise<PassSteps>;
  /** What must be known before anything is destroyed, once the plan is in the record. */
  planned(request: ErasureRequestState, kept: Kept, pass: number): Promise<void>;
  /** Changes rows of the steps' tables, in the order of the steps. */
  erase(
    manager: EntityManager,
    steps: readonly Step[],
    kept: Kept,
    limit: number,
    after: Range['after'],
  ): Promise<ErasedRows>;
  /** Copies that were made later cannot hold what is erased: milliseconds since 1970. */
  copiedUntil(request: ErasureRequestState): number;
  /** Destroys the step's keys. Run again it finds none. */
  destroyKeys(step: Step, kept: Kept, request: ErasureRequestState, record: ErasureRecord): Promise<void>;
  /** Whether what is sealed can be read by nobody any more, once every step is done. */
  isKeyDestroyed(steps: readonly Step[]): boolean;
  /** Right before the certificate is written. */
  certifying(request: ErasureRequestState, kept: Kept, isComplete: boolean, isKeyDestroyed: boolean): Promise<void>;
  /** Ends the request, in the transaction that ends the job. */
  complete(manager: EntityManager, request: ErasureRequestState, at: number, isKeyDestroyed: boolean): Promise<void>;
}
