import { type EntityManager, IsNull } from 'typeorm';
import { v7 as uuid, validate } from 'uuid';
import { type ChangeRecorder, changing } from '../identity/change-recorder';
import { requireText } from '../identity/checks';
import { denied } from '../identity/request-context';
import { alongside } from '../storage/companions';
import { decidedChange, decidedRow } from '../storage/decided-row';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { inSteps } from '../storage/write-outcome';
import { Proposal, type ProposedAct } from './proposal';

/** Carries out a proposal that another person confirmed. @param by who confirmed it */
export type CarryOut = (proposal: Proposal, by: string) => Promise<void>;

/** The client that a proposal is about. null means none. */
type Place = string | null;

const TERMS_LIMIT = 4_000;

/** Acts that need two people of the platform: one proposes, another confirms. */
export class Proposals {
  readonly #regions: Regions;
  readonly #recorder: ChangeRecorder;
  readonly #acts = new Map<ProposedAct, CarryOut>();
  readonly #now: () => number;

  constructor(regions: Regions, recorder: ChangeRecorder, now: () => number = Date.now) {
    this.#regions = regions;
    this.#recorder = recorder;
    this.#now = now;
  }

  /** Registers what carries an act out. Modules above register their own acts. */
  on(act: ProposedAct, carryOut: CarryOut): void {
    this.#acts.set(act, carryOut);
  }

  /** Proposals about these clients, newest first. null among them means proposals about no client. */
  async list(places: readonly Place[]): Promise<Proposal[]> {
    const { home } = this.#regions;
    const where = places.map((place) => ({ aboutClient: place ?? IsNull() }));
    if (where.length === 0) return [];
    return committed(home, () => home.getRepository(Proposal).find({ where, order: { id: 'DESC' } }));
  }

  async find(places: readonly Place[], id: string): Promise<Proposal | undefined> {
    if (!validate(id)) return undefined;
    return (await this.list(places)).find((proposal) => proposal.id === id);
  }

  /** @throws {GraphQLError} BAD_USER_INPUT */
  async propose(act: ProposedAct, client: Place, terms: object, principal: string): Promise<Proposal> {
    const proposal: Proposal = {
      id: uuid(),
      act,
      aboutClient: client,
      terms: JSON.stringify(terms),
      state: 'PROPOSED',
      proposedBy: principal,
      proposedAt: this.#now(),
      decidedBy: null,
      decidedAt: null,
      refusal: null,
    };
    if (proposal.terms.length > TERMS_LIMIT) throw denied.input('This is too much for one proposal; propose less.');
    const details = { record: proposal.id, act };
    const change = { client: client ?? undefined, principal, details, decides: [decidedRow(Proposal, proposal)] };
    await changing(this.#recorder, 'PROPOSED', change, () =>
      inTransaction(this.#regions.home, (manager) => manager.insert(Proposal, { ...proposal })),
    );
    return proposal;
  }

  /**
   * Confirms a proposal and carries it out.
   * @throws {GraphQLError} NOT_FOUND, CONFLICT where it is decided, FORBIDDEN for whoever proposed it
   */
  async confirm(places: readonly Place[], id: string, principal: string): Promise<Proposal> {
    const proposal = await this.#open(places, id);
    if (proposal.proposedBy === principal) {
      throw denied.forbidden('Whoever proposed it does not confirm it: another person must.');
    }
    const carryOut = this.#acts.get(proposal.act);
    if (!carryOut) throw new Error(`nobody carries out ${proposal.act}`);
    const changes = { state: 'CONFIRMED' as const, decidedBy: principal, decidedAt: this.#now() };
    return this.#decide(proposal, changes, () => carryOut(proposal, principal));
  }

  /**
   * Refuses a proposal. Anyone entitled may, also who proposed it.
   * @throws {GraphQLError} NOT_FOUND, CONFLICT, BAD_USER_INPUT
   */
  async refuse(places: readonly Place[], id: string, reason: string, principal: string): Promise<Proposal> {
    const proposal = await this.#open(places, id);
    const refusal = requireText('reason', reason, 500);
    const changes = { state: 'REFUSED' as const, decidedBy: principal, decidedAt: this.#now(), refusal };
    return this.#decide(proposal, changes, async () => undefined);
  }

  async #open(places: readonly Place[], id: string): Promise<Proposal> {
    const proposal = await this.find(places, id);
    if (!proposal) throw denied.notFound('proposal');
    if (proposal.state !== 'PROPOSED') throw denied.conflict(`It is ${proposal.state} already.`);
    return proposal;
  }

  async #decide(
    proposal: Proposal,
    changes: Pick<Proposal, 'decidedBy' | 'decidedAt'> &
      Partial<Pick<Proposal, 'refusal'>> & {
        readonly state: 'CONFIRMED' | 'REFUSED';
      },
    carryOut: () => Promise<void>,
  ): Promise<Proposal> {
    const { id, act, aboutClient, proposedBy } = proposal;
    const change = {
      client: aboutClient ?? undefined,
      principal: changes.decidedBy ?? proposedBy,
      details: { record: id, act },
      decides: [decidedChange(Proposal, { id }, changes)],
    };
    await changing(this.#recorder, `PROPOSAL_${changes.state}`, change, async () => {
      const { home } = this.#regions;
      const decide = async (manager: EntityManager) => {
        const claimed = await manager.update(Proposal, { id, state: 'PROPOSED' }, changes);
        if (claimed.affected === 0) throw denied.conflict('Somebody else decided on it just now; look at it again.');
      };
      const both = async () => {
        const { joined } = await alongside({ isFor: (source) => source === home, write: decide }, carryOut);
        if (!joined) await inTransaction(home, decide);
      };
      // Where the act is in the same database, both are done or neither.
      const isTogether = aboutClient === null || (await this.#regions.of(aboutClient)) === home;
      await (isTogether ? both() : inSteps(both));
    });
    return { ...proposal, ...changes };
  }
}
