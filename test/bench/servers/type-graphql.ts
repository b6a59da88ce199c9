import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import {
  Arg,
  Authorized,
  buildSchema,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { type PeerContext, resolvers } from '../support/peer-schema';

@ObjectType()
class Order {
  @Field(() => ID) id: string;
  @Field(() => String, { nullable: true }) placedAt: string;
  @Field(() => Float, { nullable: true }) total: number;
  @Field(() => String, { nullable: true }) currency: string;
  @Field(() => String, { nullable: true }) status: string;
}

@ObjectType()
class OrderConnection {
  @Field(() => [Order]) nodes: Order[];
}

@ObjectType()
class Customer {
  @Field(() => ID) id: string;
  @Authorized() @Field(() => String, { nullable: true }) firstName: string;
  @Authorized() @Field(() => String, { nullable: true }) lastName: string;
  @Authorized() @Field(() => String, { nullable: true }) email: string;
  @Authorized() @Field(() => String, { nullable: true }) phone: string;
  @Authorized() @Field(() => String, { nullable: true }) socialHandle: string;
  @Authorized() @Field(() => String, { nullable: true }) ipAddress: string;
  @Authorized() @Field(() => String, { nullable: true }) gender: string;
  @Field(() => String, { nullable: true }) residency: string;
  @Field(() => String, { nullable: true }) source: string;
  @Authorized() @Field(() => String, { nullable: true }) externalId: string;
  @Field(() => String, { nullable: true }) createdAt: string;
}

@ObjectType()
class CustomerConnection {
  @Field(() => [Customer]) nodes: Customer[];
}

@InputType()
class CustomerLookup {
  @Field(() => String, { nullable: true }) email: string;
}

@Resolver(() => Customer)
class CustomerResolver {
  @Query(() => Customer, { nullable: true })
  customer(@Arg('id', () => ID) id: string, @Ctx() context: PeerContext): Promise<unknown> {
    return resolvers.Query.customer(undefined, { id }, context);
  }

  @Query(() => Customer, { nullable: true })
  customerLookup(@Arg('by', () => CustomerLookup) by: CustomerLookup, @Ctx() context: PeerContext): Promise<unknown> {
    return resolvers.Query.customerLookup(undefined, { by }, context);
  }

  @Query(() => CustomerConnection)
  customers(@Arg('first', () => Int) first: number, @Ctx() context: PeerContext): Promise<unknown> {
    return resolvers.Query.customers(undefined, { first }, context);
  }

  @FieldResolver(() => OrderConnection)
  orders(
    @Root() customer: Customer,
    @Arg('first', () => Int) first: number,
    @Ctx() context: PeerContext,
  ): Promise<unknown> {
    return resolvers.Customer.orders(customer, { first }, context);
  }
}

/** Its own authorisation, on the same fields that Remit governs. */
export const typeGraphqlSchema = (): Promise<GraphQLSchema> =>
  buildSchema({ resolvers: [CustomerResolver], authChecker: () => true, validate: false });
