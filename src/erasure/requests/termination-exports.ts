import type { EntityManager } from 'typeorm';
import type { ErasureRequestState } from './request-state';

/** The end of a client that waits for an export. */
export interface TerminationFiled {
  readonly client: string;
  readonly request: string;
  readonly by: { readonly principal: string; readonly role: string };
  readonly at: number;
  /** When the export is made. */
  readonly notBefore: number;
}

/** What the end of a client needs from exports. Implemented in src/exports. */
export interface TerminationExports {
  /** Requests an export, in the transaction that requests the end. */
  file(manager: EntityManager, end: TerminationFiled): Promise<void>;
  /** Discards the export because the client stays. In the transaction that cancels the end. */
  dismiss(manager: EntityManager, client: string, request: string): Promise<void>;
  /**
   * Locks the exports of a client's end until the transaction ends. A later download then wakes the end; an earlier one
   * is seen here.
   * @returns until when the end waits, in milliseconds since 1970; null when it does not wait
   */
  awaits(manager: EntityManager, end: Pick<ErasureRequestState, 'client' | 'id' | 'dueAt'>): Promise<number | null>;
  /** Reports that the end continues although nobody has collected its export. */
  goneOn(end: Pick<ErasureRequestState, 'client' | 'id'>): Promise<void>;
}
