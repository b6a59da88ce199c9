import { Arg, Ctx, Directive, Field, ID, Int, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { type Connection, connectionOf, page, pageSize, positionOf } from '../api/paging';
import { cursorsOf } from '../identity/cursors';
import { ChangesNoGovernance, Leaves } from '../identity/entry-declarations';
import { denied, type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { noteGiven } from '../identity/request-notes';
import { administration, clientRoles } from '../identity/roles';
import type { KeyStore } from '../keys/key-store';
import { PersonalRows } from '../tenancy/personal-data';
import { personalCategories } from '../tenancy/tenant-table';
import { Customer } from './customer';
import {
  CreateCustomerInput,
  CustomerFilter,
  CustomerLookup,
  LiftRestrictionInput,
  RestrictProcessingInput,
  UpdateCustomerInput,
} from './customer-inputs';
import { type Customers, type CustomerWriter, MOST_ALIKE } from './customers';
import { ProcessingRestriction } from './processing-restriction';
import { reachOf } from './reach';
import { cursorKeysOf, idOf } from './related-page';
import { fieldsAskedBy, mayMatch } from './withheld-matches';

const CustomerConnection = connectionOf(Customer, 'Customer');

@ObjectType({ simpleResolvers: true })
export class CustomerPayload {
  @Field(() => Customer, { nullable: true })
  customer: Customer | null;
}

/** The categories of a customer's own row. */
export const categories = personalCategories(Customer);

@Resolver(() => Customer)
export class CustomerResolver {
  constructor(
    private readonly customers: Customers,
    private readonly keys: KeyStore,
  ) {}

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
    const found = await this.#sharing(context, by);
    if (found.length > 1) throw denied.several();
    noteGiven(context, found, categories);
    return found[0] ?? null;
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
    const found = await this.#sharing(context, by);
    noteGiven(context, found, categories);
    return found;
  }

  @PersonalRows()
  @Query(() => CustomerConnection, { name: 'customers', nullable: true, description: "The client's customers." })
  async customersPage(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
    @Arg('filter', () => CustomerFilter, { nullable: true }) filter?: CustomerFilter,
  ): Promise<Connection<Customer>> {
    const client = requireClient(context);
    const size = pageSize(first);
    const cursors = cursorsOf(context, await cursorKeysOf(this.keys, context), 'Query.customers', () => filter);
    const position = positionOf(after, cursors);
    const fields = readable(context);
    const rows = await this.customers.listMatching(client.id, filter, size + 1, position, fields, reachOf(context));
    const given = page(rows, size, position, cursors, idOf);
    noteGiven(context, given.nodes, categories);
    return given;
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

  /** The customers with an identifier, of those that the caller may learn about. */
  async #sharing(context: RequestContext, by: CustomerLookup): Promise<Customer[]> {
    const found = await this.customers.lookup(requireClient(context).id, by, readable(context));
    const reach = reachOf(context);
    const fields = fieldsAskedBy(by);
    return found.filter((customer) => mayMatch(reach, customer, fields));
  }

  async #payload(context: RequestContext, id: string): Promise<CustomerPayload> {
    return { customer: await this.#one(context, id) };
  }

  async #one(context: RequestContext, id: string): Promise<Customer | null> {
    const customer = await this.customers.find(requireClient(context).id, id, readable(context));
    if (customer) noteGiven(context, [customer], categories);
    return customer ?? null;
  }
}

const writerOf = (context: RequestContext): CustomerWriter => ({
  principal: context.claims.subject,
  reach: reachOf(context),
  takesInErased: administration.some((role) => context.claims.roles.includes(role)),
});

const readable = (context: RequestContext): ReadonlySet<string> => context.decision?.readable('Customer') ?? new Set();
