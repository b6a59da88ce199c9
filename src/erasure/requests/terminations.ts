import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type ChangeRecorder, changing } from '../../identity/change-recorder';
import { denied } from '../../identity/request-context';
import type { Jobs } from '../../jobs/jobs';
import type { KeyStore } from '../../keys/key-store';
import { DAY_MS } from '../../law/calendar';
import type { Regions } from '../../storage/regions';
import { committed, inTransaction } from '../../storage/transaction';
import { inSteps } from '../../storage/write-outcome';
import { own, tenantSql } from '../../tenancy/tenant-sql';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { STATEMENT_DAYS } from '../deadline';
import type { ErasureRecords } from '../records/erasure-records';
import { ErasureRequestRow } from './erasure-request';
import { type ErasureRequestState, readRequest } from './request-state';
import type { TerminationExports, TerminationFiled } from './termination-exports';

/** The least time for making and collecting an export before a client's end. */
const EXPORT_DAYS = 14;

export interface Termination {
  readonly clientId: string;
  readonly effectiveOn: Date;
  readonly retainUntil?: Date | null;
  readonly agreementReference?: string | null;
  readonly claimsReason?: string | null;
  readonly claimsUntil?: Date | null;
  /** Nothing is destroyed until an export was collected, or its time has passed. */
  readonly exportFirst?: boolean;
}

/** What the end of clients needs. */
export interface TerminationServices {
  readonly regions: Regions;
  readonly keys: KeyStore;
  readonly recorder: ChangeRecorder;
  readonly records: ErasureRecords;
  readonly jobs: Jobs;
  readonly terminationExports: TerminationExports | undefined;
  readonly now: () => number;
}

/** Requests to end clients. */
export class Terminations {
  readonly #services: TerminationServices;

  constructor(services: TerminationServices) {
    this.#services = services;
  }

  /**
   * Ends a client. Everything is erased within 90 days after the end of the agreement, or later when that was agreed.
   * @throws {GraphQLError} BAD_USER_INPUT, or CONFLICT when the client is ending already
   */
  async terminate(input: Termination, by: { principal: string; role: string }): Promise<ErasureRequestState> {
    const { clientId: client } = input;
    const id = await this.file(input, by);
    const source = await this.#services.regions.of(client);
    const state = await committed(source, () => readRequest(source, client, id));
    if (!state) throw denied.notFound('erasure request');
    return state;
  }

  /** As {@link terminate}, and reads nothing after it is done. @returns the request's id */
  async file(input: Termination, by: { principal: string; role: string }): Promise<string> {
    const { regions, keys, recorder, records, jobs, now } = this.#services;
    const client = input.clientId;
    this.requireTerms(input);
    const source = await regions.of(client);
    const at = now();
    const due = dueOf(input);
    const id = uuid();
    const exportAt = Math.max(at, input.effectiveOn.getTime());
    const row = {
      id,
      kind: 'CLIENT' as const,
      customerId: null,
      grounds: 'CLIENT_INSTRUCTION',
      status: 'RECEIVED',
      requestedBy: by.principal,
      requestedRole: by.role,
      requestedAt: at,
      notBefore: input.retainUntil ?? input.effectiveOn,
      dueAt: due,
      pass: 0,
      agreementReference: input.agreementReference ?? null,
      claimsReason: input.claimsReason ?? null,
      claimsUntil: input.claimsUntil ?? null,
    };
    const details = { record: id, role: by.role, exportFirst: input.exportFirst ?? false };
    const end = () =>
      changing(recorder, 'CLIENT_TERMINATED', { client, principal: by.principal, details }, () =>
        inTransaction(source, async (manager) => {
          const [open] = await tenantSql(manager, client).select<unknown>`
          SELECT id FROM erasure_request WHERE ${own} AND kind = 'CLIENT'
          AND status NOT IN ('CANCELLED', 'COMPLETED')`;
          if (open) throw denied.conflict('The client is being terminated already.');
          await new TenantWriter(manager, keys).insert(ErasureRequestRow, client, [row]);
          await jobs.schedule(manager, client, [id], Math.max(at, row.notBefore.getTime()));
          if (input.exportFirst) await this.#fileExport(manager, { client, request: id, by, at, notBefore: exportAt });
        }),
      );
    const notBefore = row.notBefore.getTime();
    const recorded = { ...row, notBefore, categories: null, ...(input.exportFirst ? { exportAt } : {}) };
    await inSteps(async () => {
      await end();
      await records.open(client, [recorded]);
    });
    return id;
  }

  /** @throws {GraphQLError} BAD_USER_INPUT when a client cannot be ended on these terms */
  requireTerms(input: Termination): void {
    if (input.retainUntil && input.retainUntil < input.effectiveOn) {
      throw denied.input('"retainUntil" must not be before "effectiveOn".');
    }
    if (input.retainUntil && !input.agreementReference?.trim()) {
      throw denied.input('"agreementReference" must name the agreement by which data stays longer (D1).');
    }
    if ((input.claimsReason === undefined || input.claimsReason === null) !== !input.claimsUntil) {
      throw denied.input('Client users are kept for a reason and until a day: say both, or neither (D5).');
    }
    if (input.exportFirst && dueOf(input) - this.#services.now() < EXPORT_DAYS * DAY_MS) {
      throw denied.input(
        `"exportFirst" comes too late: everything must be gone within ${EXPORT_DAYS} days. ` +
          'Collect an export, then terminate.',
      );
    }
  }

  async #fileExport(manager: EntityManager, end: TerminationFiled): Promise<void> {
    const { terminationExports } = this.#services;
    if (!terminationExports) throw new Error('there is no module of exports');
    await terminationExports.file(manager, end);
  }
}

const dueOf = ({ retainUntil, effectiveOn }: Termination): number =>
  retainUntil?.getTime() ?? effectiveOn.getTime() + STATEMENT_DAYS * DAY_MS;

/** Reads the end of a client from the terms of a proposal. */
export function proposedTermination(terms: string): Termination {
  const said = JSON.parse(terms) as { [field in keyof Termination]: never };
  const day = (text: string | null | undefined) => (text ? new Date(text) : null);
  return {
    ...said,
    effectiveOn: new Date(said.effectiveOn),
    retainUntil: day(said.retainUntil),
    claimsUntil: day(said.claimsUntil),
  };
}
