import { v7 as uuid } from 'uuid';
import type { TokenClaims } from '../identity/caller';
import { sideOf } from '../identity/caller';
import { type ChangeRecorder, changing, unrecorded } from '../identity/change-recorder';
import { requireCountry, requireText } from '../identity/checks';
import { denied } from '../identity/request-context';
import { dayOf, endOf, startOf } from '../law/calendar';
import type { Law } from '../law/law';
import type { Suspension } from '../law/transfer';
import { type Course, decided, type OfficerAction, permittedIn, type Side, stateAt } from './approval-state';
import type { ApprovalStore, StoredApproval } from './approval-store';
import { basisSuspensionsOf } from './approved-basis';
import { mismatchesOf } from './suitability';
import { type Suspensions, windowInForce, windowOf } from './suspensions';
import { unsuitable } from './transfer-errors';
import type { RequestTransferApprovalInput } from './transfer-inputs';
import type { TransferRecipients } from './transfer-recipients';

/** Who acts on an approval. */
export interface Officer {
  readonly principal: string;
  readonly side: Side;
}

/** The side that an officer decides for. The platform decides on access by its own staff. */
export function officerOf(claims: TokenClaims): Officer {
  return { principal: claims.subject, side: sideOf(claims.roles) === 'PLATFORM' ? 'PLATFORM' : 'CLIENT' };
}

/**
 * Approvals of transfers. One person requests, another decides; anyone entitled can stop one at once (statement T2).
 */
export class TransferApprovals {
  readonly #store: ApprovalStore;
  readonly #recipients: TransferRecipients;
  readonly #suspensions: Suspensions;
  readonly #law: Law;
  readonly #recorder: ChangeRecorder;
  readonly #now: () => number;

  constructor(
    parts: { store: ApprovalStore; recipients: TransferRecipients; suspensions: Suspensions; law: Law },
    recorder: ChangeRecorder = unrecorded,
    now: () => number = Date.now,
  ) {
    this.#store = parts.store;
    this.#recipients = parts.recipients;
    this.#suspensions = parts.suspensions;
    this.#law = parts.law;
    this.#recorder = recorder;
    this.#now = now;
  }

  /**
   * Requests an approval.
   * @throws {GraphQLError} TRANSFER_MECHANISM_UNSUITABLE naming every fact that does not fit, BAD_USER_INPUT, NOT_FOUND
   */
  async request(client: string, input: RequestTransferApprovalInput, officer: Officer): Promise<StoredApproval> {
    const at = this.#now();
    const approval = await this.#draft(client, input, officer, at);
    await this.#requireFit(approval, at);
    await this.#requireOccasion(approval, at);
    const { id, mechanism, recipientKind, destinationCountry } = approval;
    const details = { record: id, mechanism, recipientKind, destinationCountry };
    const change = { client, principal: officer.principal, details, decides: this.#store.decisionsOf(approval) };
    await changing(this.#recorder, 'TRANSFER_REQUESTED', change, () => this.#store.add(approval));
    return approval;
  }

  /**
   * Decides on an approval. The requester may not approve, reject or resume it; anyone entitled may stop it.
   * @throws {GraphQLError} NOT_FOUND, FORBIDDEN, CONFLICT, TRANSFER_MECHANISM_UNSUITABLE, BAD_USER_INPUT
   */
  async decide(
    client: string,
    id: string,
    action: Exclude<OfficerAction, 'REQUESTED'>,
    reason: string,
    officer: Officer,
  ): Promise<StoredApproval> {
    const at = this.#now();
    const approval = await this.#store.find(client, id);
    if (!approval) throw denied.notFound('transfer approval');
    this.#requireEntitled(approval, action, officer);
    const course = await this.courseOf(approval);
    const state = stateAt(course, at);
    // An approval that only its legal basis suspends cannot be resumed by an officer.
    const resumable = action !== 'RESUMED' || decided(course) === 'SUSPENDED';
    if (!permittedIn[state].includes(action) || !resumable) throw denied.conflict(`The approval is ${state}.`);
    if (action === 'APPROVED' || action === 'RESUMED') await this.#requireFit(approval, at);
    const last = approval.events.at(-1);
    const event = {
      sequence: (last?.sequence ?? 0) + 1,
      action,
      ...officer,
      reason: requireText('reason', reason, 500),
      // Clocks of replicas differ. An act never gets an earlier time than the act before it.
      at: Math.max(at, last?.at ?? 0),
    };
    const decides = this.#store.decisionsOf(approval, [event]);
    const change = { client, principal: officer.principal, details: { record: id }, decides };
    await changing(this.#recorder, `TRANSFER_${action}`, change, () => this.#store.append(client, id, event));
    return { ...approval, events: [...approval.events, event] };
  }

  /** Everything that the state of an approval depends on. */
  async courseOf(approval: StoredApproval, suspensions?: readonly Suspension[]): Promise<Course> {
    return courseOf(this.#law, approval, suspensions ?? (await this.#suspensions.list()).map(windowOf));
  }

  async #draft(
    client: string,
    input: RequestTransferApprovalInput,
    { principal, side }: Officer,
    at: number,
  ): Promise<StoredApproval> {
    const { categories, purposes, residencies, dataSubjects } = input;
    if (categories.length === 0 || purposes.length === 0)
      throw denied.input('"categories" and "purposes" must each name at least one.');
    const { reference } = await this.#recipients.find(input.recipient.kind, input.recipient.id, client);
    const validFrom = input.validFrom?.getTime() ?? at;
    const validUntil = input.validUntil?.getTime() ?? null;
    if (validUntil !== null && (validUntil <= validFrom || validUntil <= at))
      throw denied.input('"validUntil" must be after "validFrom", and in the future.');
    const subjects = dataSubjects ? new Set(dataSubjects) : null;
    const reason = `asked for: ${input.mechanism} to ${input.destinationCountry}`;
    return {
      clientId: client,
      id: uuid(),
      recipientKind: reference.kind,
      recipientId: reference.id,
      destinationCountry: requireCountry('destinationCountry', input.destinationCountry),
      categories: [...new Set(categories)],
      purposes: [...new Set(purposes)],
      mechanism: input.mechanism,
      sccModule: input.sccModule ?? null,
      assessment: input.assessment?.trim() ? requireText('assessment', input.assessment, 2000) : null,
      safeguards: (input.safeguards ?? []).map((text) => requireText('safeguards', text.replace(/\s+/g, ' '), 200)),
      authorisation: input.authorisation?.trim() ? requireText('authorisation', input.authorisation, 500) : null,
      residencies: residencies ? [...new Set(residencies)].map((code) => requireCountry('residencies', code)) : null,
      namedSubjects: subjects?.size ?? null,
      subjects,
      validFrom,
      validUntil,
      requestedBy: principal,
      requestedAt: at,
      events: [{ sequence: 1, action: 'REQUESTED', side, principal, reason, at }],
    };
  }

  async #requireFit(approval: StoredApproval, at: number): Promise<void> {
    const { recipientKind, recipientId, destinationCountry } = approval;
    const known = await this.#recipients.find(recipientKind, recipientId, approval.clientId);
    const recipient = await this.#recipients.asRecipient(known.reference, destinationCountry);
    const suspensions = (await this.#suspensions.list()).map(windowInForce);
    const asked = { ...approval, recipient, registeredCountry: known.country };
    const mismatches = mismatchesOf(this.#law, asked, at, suspensions);
    if (mismatches.length > 0) throw unsuitable(approval.mechanism, mismatches);
  }

  /** Derogations are for single cases, not for one after another with the same recipient (recital 111, Art. 49). */
  async #requireOccasion(approval: StoredApproval, at: number): Promise<void> {
    if (this.#law.tools[approval.mechanism]?.kind !== 'DEROGATION') return;
    const around = { from: startOf(dayOf(approval.validFrom)), to: endOf(dayOf(approval.validUntil ?? at)) };
    const others = (await this.#store.all(approval.clientId)).filter(
      (other) =>
        other.mechanism === approval.mechanism &&
        other.recipientKind === approval.recipientKind &&
        other.recipientId === approval.recipientId &&
        !['REJECTED', 'REVOKED'].includes(decided({ events: other.events, deciders: decidersOf(other) }) ?? '') &&
        other.validFrom < around.to &&
        (other.validUntil ?? Number.POSITIVE_INFINITY) > around.from,
    );
    const [first] = others;
    if (!first) return;
    const why = `${first.id} is asked for or given for the same time: a derogation is occasional, not repeated`;
    throw unsuitable(approval.mechanism, [{ fact: 'validFrom', why }]);
  }

  #requireEntitled(approval: StoredApproval, action: OfficerAction, { principal, side }: Officer): void {
    if (!decidersOf(approval).includes(side)) throw denied.role(['CLIENT_PRIVACY_OFFICER']);
    const stops = action === 'SUSPENDED' || action === 'REVOKED';
    if (!stops && approval.requestedBy === principal)
      throw denied.forbidden('Whoever asked for an approval does not decide on it.');
    if (action === 'APPROVED') {
      const given = approval.events.filter((event) => event.action === 'APPROVED');
      if (given.some((event) => event.side === side))
        throw denied.conflict(`The ${side.toLowerCase()} approved it already.`);
      if (given.some((event) => event.principal === principal))
        throw denied.forbidden('Each side decides by an officer of its own.');
    }
    const stopped = approval.events.filter((event) => event.action === 'SUSPENDED').at(-1);
    if (action === 'RESUMED' && stopped && stopped.side !== side)
      throw denied.forbidden(`The ${stopped.side.toLowerCase()} suspended it, and resumes it.`);
  }
}

/** The client's officer decides. On access by platform staff the platform's officer must decide too. */
const decidersOf = ({ recipientKind }: Pick<StoredApproval, 'recipientKind'>): readonly Side[] =>
  recipientKind === 'PLATFORM' ? ['CLIENT', 'PLATFORM'] : ['CLIENT'];

export function courseOf(law: Law, approval: StoredApproval, suspensions: readonly Suspension[]): Course {
  const { events, validFrom, validUntil } = approval;
  return {
    events,
    validFrom,
    validUntil,
    deciders: decidersOf(approval),
    suspensions: basisSuspensionsOf(law, approval, suspensions),
  };
}
