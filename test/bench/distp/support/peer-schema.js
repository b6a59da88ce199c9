"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.resolvers = exports.peerContext = exports.typeDefs = void 0;
const dataloader_1 = __importDefault(require("dataloader"));
/** The part of Remit's API that the works use, ungoverned. */
exports.typeDefs = `
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
const peerContext = (data) => ({ data, loaders: new Map() });
exports.peerContext = peerContext;
function ordersOf(context, customerId, first) {
    let loader = context.loaders.get(first);
    if (!loader) {
        loader = new dataloader_1.default(async (ids) => {
            const byCustomer = new Map(ids.map((id) => [id, []]));
            for (const order of await context.data.orders(ids, first))
                byCustomer.get(order.customerId)?.push(order);
            return ids.map((id) => byCustomer.get(id) ?? []);
        });
        context.loaders.set(first, loader);
    }
    return loader.load(customerId);
}
exports.resolvers = {
    Query: {
        customer: (_, args, context) => context.data.one(args.id),
        customerLookup: (_, args, context) => context.data.byEmail(args.by.email),
        customers: async (_, args, context) => ({
            nodes: await context.data.page(args.first),
        }),
    },
    Customer: {
        orders: async (parent, args, context) => ({
            nodes: await ordersOf(context, parent.id, args.first),
        }),
    },
};
