import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { Leaves } from '../identity/entry-declarations';
import { type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { noteGiven } from '../identity/request-notes';
import { clientRoles } from '../identity/roles';
import { PersonalRows } from '../tenancy/personal-data';
import { Customer } from './customer';
import { CustomerPayload } from './customer-resolver';
import type { Customers } from './customers';
import { categories } from './given-customers';
import type { Processing } from './processing';
import { ObjectToProcessingInput, RecordAutomatedDecisionInput, WithdrawObjectionInput } from './processing-inputs';
import { reachOf } from './reach';

/** An objection is the person's own: everybody who serves the person may record it. */
const recorders = clientRoles;

/** Objections and automated decisions: everybody who serves the person may read and record them. */
@Resolver(() => Customer)
export class ProcessingResolver {
  constructor(
    private readonly processing: Processing,
    private readonly customers: Customers,
  ) {}

  @PersonalRows()
  @Mutation(() => CustomerPayload, {
    nullable: true,
    description: 'Puts a person’s objection on record: from now on nothing is read for these purposes (GDPR Art. 21).',
  })
  @Leaves('OBJECTIONS_SET')
  async objectToProcessing(
    @Arg('input', () => ObjectToProcessingInput) { customerId, purposes }: ObjectToProcessingInput,
    @Ctx() context: RequestContext,
  ): Promise<CustomerPayload> {
    await this.processing.object(actorOf(context), customerId, purposes);
    return this.#payload(context, customerId);
  }

  @PersonalRows()
  @Mutation(() => CustomerPayload, { nullable: true, description: 'Takes objections back that the person withdraws.' })
  @Leaves('OBJECTIONS_SET')
  async withdrawObjection(
    @Arg('input', () => WithdrawObjectionInput) { customerId, purposes }: WithdrawObjectionInput,
    @Ctx() context: RequestContext,
  ): Promise<CustomerPayload> {
    await this.processing.withdraw(actorOf(context), customerId, purposes);
    return this.#payload(context, customerId);
  }

  @PersonalRows()
  @Mutation(() => CustomerPayload, {
    nullable: true,
    description: 'Records that a decision about a person was made by automated means (GDPR Art. 22).',
  })
  @Leaves('AUTOMATED_DECISION_RECORDED')
  async recordAutomatedDecision(
    @Arg('input', () => RecordAutomatedDecisionInput) input: RecordAutomatedDecisionInput,
    @Ctx() context: RequestContext,
  ): Promise<CustomerPayload> {
    await this.processing.recordDecision(actorOf(context), input);
    return this.#payload(context, input.customerId);
  }

  async #payload(context: RequestContext, id: string): Promise<CustomerPayload> {
    const readable = context.decision?.readable('Customer') ?? new Set<string>();
    const customer = await this.customers.find(requireClient(context).id, id, readable);
    if (customer) noteGiven(context, [customer], categories);
    return { customer: customer ?? null };
  }
}

function actorOf(context: RequestContext) {
  requireRole(context, ...recorders);
  return { client: requireClient(context).id, principal: context.claims.subject, reach: reachOf(context) };
}
