import DataLoader from 'dataloader';
import type { PlainData, PlainOrder } from './plain-data';

/** The part of Remit's API that the works use, ungoverned. */
export const typeDefs = `
  type Query {
    customer(id: ID!): Customer
    customers(first: Int!): CustomerConnection!
    customerLookup(by: CustomerLookup!): Customer
  }
  input CustomerLookup { email: String }
  type CustomerConnection { nodes: [Customer!]! }
  type Customer {
    id: ID! firstName: String lastName: String email: String phone: String socialHandle: String ipAddress: String
    gender: String residency: String source: String externalId: String createdAt: String
    orders(first: Int!): OrderConnection!
  }
  type OrderConnection { nodes: [Order!]! }
  type Order { id: ID! placedAt: String total: Float currency: String status: String }
`;

export interface PeerContext {
  readonly data: PlainData;
  readonly loaders: Map<number, DataLoader<string, PlainOrder[]>>;
}

export const peerContext = (data: PlainData): PeerContext => ({ data, loaders: new Map() });

function ordersOf(context: PeerContext, customerId: string, first: number): Promise<PlainOrder[]> {
  let loader = context.loaders.get(first);
  if (!loader) {
    loader = new DataLoader(async (ids: readonly string[]) => {
      const byCustomer = new Map<string, PlainOrder[]>(ids.map((id) => [id, []]));
      for (const order of await context.data.orders(ids, first)) byCustomer.get(order.customerId)?.push(order);
      return ids.map((id) => byCustomer.get(id) ?? []);
    });
    context.loaders.set(first, loader);
  }
  return loader.load(customerId);
}

export const resolvers = {
  Query: {
    customer: (_: unknown, args: { id: string }, context: PeerContext) => context.data.one(args.id),
    customerLookup: (_: unknown, args: { by: { email: string } }, context: PeerContext) =>
      context.data.byEmail(args.by.email),
    customers: async (_: unknown, args: { first: number }, context: PeerContext) => ({
      nodes: await context.data.page(args.first),
    }),
  },
  Customer: {
    orders: async (parent: { id: string }, args: { first: number }, context: PeerContext) => ({
      nodes: await ordersOf(context, parent.id, args.first),
    }),
  },
};
