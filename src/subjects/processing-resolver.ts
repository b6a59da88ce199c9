import { Arg, Ctx, FieldResolver, Int, Mutation, Resolver, Root } from 'type-graphql';
import type { Connection } from '../api/paging';
import { RowResolver } from '../api/row-resolvers';
import { Leaves } from '../identity/entry-declarations';
import { type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { noteGiven } from '../identity/request-notes';
import type { KeyStore } from '../keys/key-store';
import { PersonalRows } from '../tenancy/personal-data';
import type { Row } from '../tenancy/tenant-reader';
import { AutomatedDecision, AutomatedDecisionConnection } from './automated-decision';
import { Customer } from './customer';
import { CustomerPayload, categories } from './customer-resolver';
import type { Customers } from './customers';
import type { Processing } from './processing';
import { ObjectToProcessingInput, RecordAutomatedDecisionInput, WithdrawObjectionInput } from './processing-inputs';
import { reachOf } from './reach';
import type { Records, Relation } from './records';
import { relatedPage } from './related-page';

const automatedDecisions: Relation = {
  entity: AutomatedDecision,
  type: 'AutomatedDecision',
  parent: { customerId: 'id' },
  orderBy: { field: 'id', descending: true },
};

/** An objection is the person's own: everybody who serves the person may record it. */
const recorders = ['CLIENT_APP', 'CLIENT_AGENT', 'CLIENT_ADMIN', 'CLIENT_PRIVACY_OFFICER'] as const;

/** Objections and automated decisions: everybody who serves the person may read and record them. */
@Resolver(() => Customer)
export class ProcessingResolver {
  constructor(
    private readonly processing: Processing,
    private readonly customers: Customers,
    private readonly records: Records,
    private readonly keys: KeyStore,
  ) {}

  @PersonalRows()
  @FieldResolver(() => AutomatedDecisionConnection, { nullable: true, description: 'Newest first.' })
  @RowResolver('Customer', 'first', 'after')
  automatedDecisions(
    @Root() customer: Row,
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
  ): Promise<Connection<AutomatedDecision>> {
    return relatedPage(this.records, this.keys, context, automatedDecisions, customer, first, after);
  }

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
