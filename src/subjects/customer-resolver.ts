import { Arg, Ctx, Directive, Field, ID, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { type Connection, connectionOf } from '../api/paging';
import type { DeclaredSource } from '../api/row-resolvers';
import { ChangesNoGovernance, Leaves } from '../identity/entry-declarations';
import { type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { administration, clientRoles } from '../identity/roles';
import type { KeyStore } from '../keys/key-store';
import { PersonalRows } from '../tenancy/personal-data';
import { Customer } from './customer';
import {
  CreateCustomerInput,
  CustomerFilter,
  CustomerLookup,
  LiftRestrictionInput,
  RestrictProcessingInput,
  UpdateCustomerInput,
} from './customer-inputs';
import { MOST_ALIKE } from './customer-reads';
import type { Customers, CustomerWriter } from './customers';
import { GivenCustomers } from './given-customers';
import { ProcessingRestriction } from './processing-restriction';
import { reachOf } from './reach';

const CustomerConnection = connectionOf(Customer, 'Customer');

@ObjectType({ simpleResolvers: true })
export class CustomerPayload {
  @Field(() => Customer, { nullable: true })
  customer: Customer | null;
}

@Resolver(() => Customer)
export class CustomerResolver {
  readonly #given: GivenCustomers;

  constructor(
    private readonly customers: Customers,
    keys: KeyStore,
  ) {
    this.#given = new GivenCustomers(customers.reads, keys);
  }

  rowSources(): DeclaredSource[] {
    return Object.entries(this.#given.sources()).map(([field, source]) => ({ type: 'Query', field, source }));
  }

  @PersonalRows()
  @Query(() => Customer, {
    nullable: true,
    description: "One of the client's customers; null where there is none of this id.",
  })
  async customer(
    @Directive('@governedBy(field: "Customer.id", operators: [EQ])') @Arg('id', () => ID) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Customer | null> {
    return this.#one(context, id);
  }

  @PersonalRows()
  @Query(() => ProcessingRestriction, {
    nullable: true,
    description:
      'Why and since when processing of a customer is limited, read for LEGAL; null where it is not, ' +
      'where the person ' +
      'is being erased, and where there is none of this id.',
  })
  async processingRestriction(
    @Directive('@governedBy(field: "Customer.id", operators: [EQ])') @Arg('customerId', () => ID) customerId: string,
    @Ctx() context: RequestContext,
  ): Promise<ProcessingRestriction | null> {
    requireRole(context, ...administration);
    return (await this.customers.restriction(requireClient(context).id, customerId)) ?? null;
  }

  @PersonalRows()
  @Query(() => Customer, {
    nullable: true,
    description: 'Finds a customer by an identifier; an error where several that may be read share it.',
  })
  async customerLookup(
    @Arg('by', () => CustomerLookup) by: CustomerLookup,
    @Ctx() context: RequestContext,
  ): Promise<Customer | null> {
    const [found] = await this.#given.lookup(context, by);
    return found?.customer() ?? null;
  }

  @PersonalRows()
  @Query(() => [Customer], {
    nullable: true,
    description: `All customers who share an identifier, however it is spelt; at most ${MOST_ALIKE}.`,
  })
  async customersByIdentifier(
    @Arg('by', () => CustomerLookup) by: CustomerLookup,
    @Ctx() context: RequestContext,
  ): Promise<Customer[]> {
    return (await this.#given.alike(context, by)).map((found) => found.customer());
  }

  @PersonalRows()
  @Query(() => CustomerConnection, { name: 'customers', nullable: true, description: "The client's customers." })
  async customersPage(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
    @Arg('filter', () => CustomerFilter, { nullable: true }) filter?: CustomerFilter,
  ): Promise<Connection<Customer>> {
    const page = await this.#given.page(context, { first, after }, filter);
    return page.map((found) => found.customer());
  }

  @PersonalRows()
  @Mutation(() => CustomerPayload, {
    nullable: true,
    description: 'Records a new customer; what the purpose may not read, here, is not written.',
  })
  @ChangesNoGovernance('it writes personal data: the entry of the operation says whose and what')
  async createCustomer(
    @Arg('input', () => CreateCustomerInput) input: CreateCustomerInput,
    @Ctx() context: RequestContext,
  ): Promise<CustomerPayload> {
    requireRole(context, ...clientRoles);
    if (input.allowErased) requireRole(context, ...administration);
    const { id } = requireClient(context);
    return this.#payload(context, await this.customers.create(id, input, context.claims.subject, writerOf(context)));
  }

  @PersonalRows()
  @Mutation(() => CustomerPayload, { nullable: true, description: 'Changes what is known of a customer.' })
  @ChangesNoGovernance('it writes personal data: the entry of the operation says whose and what')
  async updateCustomer(
    @Arg('input', () => UpdateCustomerInput) input: UpdateCustomerInput,
    @Ctx() context: RequestContext,
  ): Promise<CustomerPayload> {
    requireRole(context, ...clientRoles);
    if (input.allowErased) requireRole(context, ...administration);
    await this.customers.update(requireClient(context).id, input, writerOf(context));
    return this.#payload(context, input.customerId);
  }

  @PersonalRows()
  @Mutation(() => CustomerPayload, {
    nullable: true,
    description: 'Limits the processing of a customer to LEGAL (GDPR Art. 18, 21).',
  })
  @Leaves('RESTRICTION_SET')
  async restrictProcessing(
    @Arg('input', () => RestrictProcessingInput) input: RestrictProcessingInput,
    @Ctx() context: RequestContext,
  ): Promise<CustomerPayload> {
    requireRole(context, ...administration);
    await this.customers.setRestriction(
      requireClient(context).id,
      input.customerId,
      input.ground,
      context.claims.subject,
      reachOf(context),
    );
    return this.#payload(context, input.customerId);
  }

  @PersonalRows()
  @Mutation(() => CustomerPayload, { nullable: true, description: 'Lifts a restriction of processing.' })
  @Leaves('RESTRICTION_LIFTED')
  async liftRestriction(
    @Arg('input', () => LiftRestrictionInput) input: LiftRestrictionInput,
    @Ctx() context: RequestContext,
  ): Promise<CustomerPayload> {
    requireRole(context, ...administration);
    const { subject } = context.claims;
    await this.customers.setRestriction(requireClient(context).id, input.customerId, null, subject, reachOf(context));
    return this.#payload(context, input.customerId);
  }

  async #payload(context: RequestContext, id: string): Promise<CustomerPayload> {
    return { customer: await this.#one(context, id) };
  }

  async #one(context: RequestContext, id: string): Promise<Customer | null> {
    const [found] = await this.#given.one(context, id);
    return found?.customer() ?? null;
  }
}

const writerOf = (context: RequestContext): CustomerWriter => ({
  principal: context.claims.subject,
  reach: reachOf(context),
  takesInErased: administration.some((role) => context.claims.roles.includes(role)),
});
