// GraphQL Yoga: the plugin is all it takes.
import { createServer } from 'node:http';
import { createYoga } from 'graphql-yoga';
import { accessOf, governed, schema } from './patients.js';

const yoga = createYoga({
  schema,
  plugins: [governed.envelop],
  context: ({ request }) => ({ access: accessOf(request.headers) }),
});
const server = createServer(yoga);
server.listen(process.env.PORT ?? 4000, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/graphql`);
});
