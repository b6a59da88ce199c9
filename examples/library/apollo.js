// Apollo Server: it takes the governed schema as its gateway.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { accessOf, governed } from './patients.js';

const server = new ApolloServer({ gateway: governed.gateway });
const { url } = await startStandaloneServer(server, {
  listen: { port: Number(process.env.PORT ?? 4000), host: '127.0.0.1' },
  context: async ({ req }) => ({ access: accessOf(new Headers(req.headers)) }),
});
console.log(url);
