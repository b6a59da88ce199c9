"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
const node_http_1 = require("node:http");
const server_1 = require("@apollo/server");
const standalone_1 = require("@apollo/server/standalone");
const schema_1 = require("@graphql-tools/schema");
const fastify_1 = __importDefault(require("fastify"));
const graphql_middleware_1 = require("graphql-middleware");
const graphql_shield_1 = require("graphql-shield");
const graphql_yoga_1 = require("graphql-yoga");
const mercurius_1 = __importDefault(require("mercurius"));
const mercurius_auth_1 = __importDefault(require("mercurius-auth"));
const peer_schema_1 = require("../support/peer-schema");
const plain_data_1 = require("../support/plain-data");
const floor_1 = require("./floor");
const type_graphql_1 = require("./type-graphql");
/** One ungoverned server, started as its own documentation does: `node peer.js NAME MYSQL-URL`, prints its port. */
const [, , name = '', url = ''] = process.argv;
const data = new plain_data_1.PlainData(url);
const peers = {
    floor: () => overHttp((0, floor_1.floor)(data)),
    apollo: () => apollo((0, schema_1.makeExecutableSchema)({ typeDefs: peer_schema_1.typeDefs, resolvers: peer_schema_1.resolvers })),
    'graphql-shield': () => apollo((0, graphql_middleware_1.applyMiddleware)((0, schema_1.makeExecutableSchema)({ typeDefs: peer_schema_1.typeDefs, resolvers: peer_schema_1.resolvers }), permissions())),
    'type-graphql': async () => apollo(await (0, type_graphql_1.typeGraphqlSchema)()),
    yoga: () => overHttp((0, graphql_yoga_1.createYoga)({
        schema: (0, graphql_yoga_1.createSchema)({ typeDefs: peer_schema_1.typeDefs, resolvers: peer_schema_1.resolvers }),
        context: () => (0, peer_schema_1.peerContext)(data),
        logging: false,
        graphiql: false,
    })),
    'mercurius-jit': () => overMercurius(false),
    'mercurius-auth-jit': () => overMercurius(true),
};
async function apollo(schema) {
    const server = new server_1.ApolloServer({ schema, nodeEnv: 'production' });
    const { url: address } = await (0, standalone_1.startStandaloneServer)(server, {
        listen: { port: 0, host: '127.0.0.1' },
        context: async () => (0, peer_schema_1.peerContext)(data),
    });
    return Number(new URL(address).port);
}
async function overMercurius(auth) {
    const app = (0, fastify_1.default)();
    const directive = 'directive @auth on FIELD_DEFINITION\n';
    const schema = auth
        ? directive +
            peer_schema_1.typeDefs
                .replace('firstName: String', 'firstName: String @auth')
                .replace('email: String phone', 'email: String @auth phone')
        : peer_schema_1.typeDefs;
    await app.register(mercurius_1.default, { schema, resolvers: peer_schema_1.resolvers, jit: 1, context: () => (0, peer_schema_1.peerContext)(data) });
    if (auth) {
        await app.register(mercurius_auth_1.default, { applyPolicy: async () => true, authDirective: 'auth' });
    }
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server.address().port;
}
/** The nearest rule that graphql-shield has: a cached one on each field of a customer. */
function permissions() {
    const permitted = (0, graphql_shield_1.rule)({ cache: 'contextual' })(async () => true);
    const names = ['firstName', 'lastName', 'email', 'phone', 'socialHandle', 'ipAddress', 'gender', 'externalId'];
    return (0, graphql_shield_1.shield)({ Query: { '*': graphql_shield_1.allow }, Customer: Object.fromEntries(names.map((field) => [field, permitted])) }, { fallbackRule: graphql_shield_1.allow });
}
async function overHttp(listener) {
    const server = (0, node_http_1.createServer)(listener);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server.address().port;
}
const start = peers[name];
if (!start)
    throw new Error(`no such peer; one of ${Object.keys(peers).join(', ')}`);
start().then((port) => process.stdout.write(`${port}\n`));
