import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { makeExecutableSchema } from '@graphql-tools/schema';
import fastify from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { applyMiddleware } from 'graphql-middleware';
import { allow, rule, shield } from 'graphql-shield';
import { createSchema, createYoga } from 'graphql-yoga';
import mercurius from 'mercurius';
import mercuriusAuth from 'mercurius-auth';
import { peerContext, resolvers, typeDefs } from '../support/peer-schema';
import { PlainData } from '../support/plain-data';
import { floor } from './floor';
import { typeGraphqlSchema } from './type-graphql';

/** One ungoverned server, started as its own documentation does: `node peer.js NAME MYSQL-URL`, prints its port. */
const [, , name = '', url = ''] = process.argv;
const data = new PlainData(url);

const peers: Readonly<Record<string, () => Promise<number>>> = {
  floor: () => overHttp(floor(data)),
  apollo: () => apollo(makeExecutableSchema({ typeDefs, resolvers })),
  'graphql-shield': () => apollo(applyMiddleware(makeExecutableSchema({ typeDefs, resolvers }), permissions())),
  'type-graphql': async () => apollo(await typeGraphqlSchema()),
  yoga: () =>
    overHttp(
      createYoga({
        schema: createSchema({ typeDefs, resolvers }),
        context: () => peerContext(data),
        logging: false,
        graphiql: false,
      }) as unknown as RequestListener,
    ),
  'mercurius-jit': () => overMercurius(false),
  'mercurius-auth-jit': () => overMercurius(true),
};

async function apollo(schema: GraphQLSchema): Promise<number> {
  const server = new ApolloServer({ schema, nodeEnv: 'production' });
  const { url: address } = await startStandaloneServer(server, {
    listen: { port: 0, host: '127.0.0.1' },
    context: async () => peerContext(data),
  });
  return Number(new URL(address).port);
}

async function overMercurius(auth: boolean): Promise<number> {
  const app = fastify();
  const directive = 'directive @auth on FIELD_DEFINITION\n';
  const schema = auth
    ? directive +
      typeDefs
        .replace('firstName: String', 'firstName: String @auth')
        .replace('email: String phone', 'email: String @auth phone')
    : typeDefs;
  await app.register(mercurius, { schema, resolvers: resolvers as never, jit: 1, context: () => peerContext(data) });
  if (auth) {
    await app.register(mercuriusAuth, { applyPolicy: async () => true, authDirective: 'auth' });
  }
  await app.listen({ port: 0, host: '127.0.0.1' });
  return (app.server.address() as AddressInfo).port;
}

/** The nearest rule that graphql-shield has: a cached one on each field of a customer. */
function permissions() {
  const permitted = rule({ cache: 'contextual' })(async () => true);
  const names = ['firstName', 'lastName', 'email', 'phone', 'socialHandle', 'ipAddress', 'gender', 'externalId'];
  return shield(
    { Query: { '*': allow }, Customer: Object.fromEntries(names.map((field) => [field, permitted])) },
    { fallbackRule: allow },
  );
}

async function overHttp(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const start = peers[name];
if (!start) throw new Error(`no such peer; one of ${Object.keys(peers).join(', ')}`);
start().then((port) => process.stdout.write(`${port}\n`));
