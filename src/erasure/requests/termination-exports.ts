import type { EntityManager } from 'typeorm';
import type { ErasureRequestState } from './request-state';

/** The end of a client that wants an export first. */
export interface TerminationFiled {
  readonly client: string;
  readonly request: string;
  readonly by: { readonly principal: string; readonly role: string };
  readonly at: number;
  /** When the export is made. */
  readonly notBefore: number;
}

/** What the end of a client needs of exports; src/exports has it. */
export interface TerminationExports {
  /** Files an export, in the transaction that files the end. */
  file(manager: EntityManager, end: TerminationFiled): Promise<void>;
  /** The client stays. In the transaction that says so. */
  dismiss(manager: EntityManager, client: string, request: string): Promise<void>;
  /**
   * Locks the exports of a client's end until the transaction is over: whoever collects one then wakes the end, or was
   * seen here.
   * @returns until when the end waits, in milliseconds since 1970; null where it waits for none
   */
  awaits(manager: EntityManager, end: Pick<ErasureRequestState, 'client' | 'id' | 'dueAt'>): Promise<number | null>;
  /** Tells where the end goes on though nobody has collected its export. */
  goneOn(end: Pick<ErasureRequestState, 'client' | 'id'>): Promise<void>;
}
