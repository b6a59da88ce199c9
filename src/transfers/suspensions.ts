import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type ChangeRecorder, changing, unrecorded } from '../identity/change-recorder';
import { requireText } from '../identity/checks';
import { bumpPolicy, REGISTER } from '../identity/policy-version';
import { denied } from '../identity/request-context';
import { type Law, legalBases } from '../law/law';
import type { Suspension } from '../law/transfer';
import { heldSince } from '../law/validity';
import { decidedChange, decidedRow } from '../storage/decided-row';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { LegalBasisSuspension } from './legal-basis-suspension';

/** Suspensions of legal bases, for the whole platform. Stored in the home region; every next request obeys them. */
export class Suspensions {
  readonly #regions: Regions;
  readonly #law: Law;
  readonly #recorder: ChangeRecorder;

  constructor(regions: Regions, law: Law, recorder: ChangeRecorder = unrecorded) {
    this.#regions = regions;
    this.#law = law;
    this.#recorder = recorder;
  }

  /** @param from a snapshot to read from */
  list(from: DataSource | EntityManager = this.#regions.home): Promise<LegalBasisSuspension[]> {
    return committed(from, () => from.getRepository(LegalBasisSuspension).find({ order: { id: 'ASC' } }));
  }

  /** @throws {GraphQLError} BAD_USER_INPUT where there is no such basis */
  requireBasis(basis: string): string {
    if (legalBases(this.#law).has(basis)) return basis;
    throw denied.input('"basis" names no legal basis; the query "legalBases" lists them.');
  }

  /** Suspends a basis. One that is suspended already stays as it is, so that its notices can be sent again. */
  async suspend(basis: string, from: number, reason: string, principal: string): Promise<LegalBasisSuspension> {
    const known = (await this.list()).find((one) => one.basis === basis && one.reinstatedFrom === null);
    const isSuspended = known !== undefined && known.suspendedFrom <= from;
    const row: LegalBasisSuspension = isSuspended
      ? known
      : {
          id: uuid(),
          basis: this.requireBasis(basis),
          suspendedFrom: from,
          reason: requireText('reason', reason, 500),
          suspendedBy: principal,
          suspendedAt: Date.now(),
          reinstatedFrom: null,
          reinstatedReason: null,
          reinstatedBy: null,
        };
    const details = { record: row.id, basis, from: row.suspendedFrom };
    const decides = isSuspended ? [] : [decidedRow(LegalBasisSuspension, { ...row })];
    await changing(this.#recorder, 'LEGAL_BASIS_SUSPENDED', { principal, details, decides }, async () => {
      if (isSuspended) return;
      await inTransaction(this.#regions.home, async (manager) => {
        await manager.insert(LegalBasisSuspension, { ...row });
        await bumpPolicy(manager, REGISTER);
      });
    });
    return row;
  }

  /** Ends a suspension. @throws {GraphQLError} NOT_FOUND, CONFLICT, BAD_USER_INPUT */
  async reinstate(id: string, from: number, reason: string, principal: string): Promise<LegalBasisSuspension> {
    const known = (await this.list()).find((one) => one.id === id);
    if (!known) throw denied.notFound('suspension');
    if (known.reinstatedFrom !== null) throw denied.conflict('It has been reinstated already.');
    const changes = {
      reinstatedFrom: Math.max(from, known.suspendedFrom),
      reinstatedReason: requireText('reason', reason, 500),
      reinstatedBy: principal,
    };
    const details = { record: id, basis: known.basis, from };
    const decides = [decidedChange(LegalBasisSuspension, { id }, changes)];
    await changing(this.#recorder, 'LEGAL_BASIS_REINSTATED', { principal, details, decides }, () =>
      inTransaction(this.#regions.home, async (manager) => {
        await manager.update(LegalBasisSuspension, { id }, changes);
        await bumpPolicy(manager, REGISTER);
      }),
    );
    return { ...known, ...changes };
  }
}

export const windowOf = ({ basis, suspendedFrom, reinstatedFrom }: LegalBasisSuspension): Suspension => ({
  basis,
  from: suspendedFrom,
  to: reinstatedFrom,
});

/** The window that decisions obey: a suspension that was ordered to hold at once does so whatever the clocks say. */
export const windowInForce = (suspension: LegalBasisSuspension): Suspension => ({
  ...windowOf(suspension),
  from: heldSince(suspension.suspendedFrom, suspension.suspendedAt),
});
