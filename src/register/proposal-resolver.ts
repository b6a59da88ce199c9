import { Arg, Ctx, Field, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { sideOf } from '../identity/caller';
import { Leaves } from '../identity/entry-declarations';
import { denied, type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { administration, overseers, platformOfficers } from '../identity/roles';
import { requireInstructed } from './instructed';
import { ConfirmProposalInput, Proposal, RefuseProposalInput } from './proposal';
import type { Proposals } from './proposals';

@ObjectType({ simpleResolvers: true })
class ProposalPayload {
  @Field(() => Proposal)
  proposal: Proposal;
}

/** Acts that need two people of the platform. */
@Resolver()
export class ProposalResolver {
  constructor(private readonly acts: Proposals) {}

  @Query(() => [Proposal], {
    description:
      'Acts that one person of the platform proposed and another confirms: about the client that the token names, ' +
      'and for the platform about none. The newest first.',
  })
  proposals(@Ctx() context: RequestContext): Promise<Proposal[]> {
    requireRole(context, ...overseers);
    return this.acts.list(placesOf(context));
  }

  @Mutation(() => ProposalPayload, { description: 'Confirms what another person proposed; it is done at once.' })
  @Leaves('PROPOSAL_CONFIRMED')
  async confirmProposal(
    @Arg('input', () => ConfirmProposalInput) { id }: ConfirmProposalInput,
    @Ctx() context: RequestContext,
  ): Promise<ProposalPayload> {
    await this.#requireOfficer(id, context);
    return { proposal: await this.acts.confirm(placesOf(context), id, context.claims.subject) };
  }

  @Mutation(() => ProposalPayload, { description: 'Stops what was proposed.' })
  @Leaves('PROPOSAL_REFUSED')
  async refuseProposal(
    @Arg('input', () => RefuseProposalInput) { id, reason }: RefuseProposalInput,
    @Ctx() context: RequestContext,
  ): Promise<ProposalPayload> {
    requireRole(context, ...platformOfficers, ...administration);
    return { proposal: await this.acts.refuse(placesOf(context), id, reason, context.claims.subject) };
  }

  /** The instruction that permitted the proposal must still be in force when it is confirmed. */
  async #requireOfficer(id: string, context: RequestContext): Promise<void> {
    requireRole(context, ...platformOfficers);
    const proposal = await this.acts.find(placesOf(context), id);
    if (!proposal) throw denied.notFound('proposal');
    if (proposal.act !== 'CERTIFY_RECIPIENT') requireInstructed(context, proposal.act);
  }
}

/** The clients whose proposals the caller may see: the one that the token names; for the platform also none. */
function placesOf(context: RequestContext): Array<string | null> {
  const ofClient = context.client || context.claims.tenant !== undefined ? [requireClient(context).id] : [];
  const side = sideOf(context.claims.roles);
  if (side === 'CLIENT') return [requireClient(context).id];
  return [...ofClient, null];
}
