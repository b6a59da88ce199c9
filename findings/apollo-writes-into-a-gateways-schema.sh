#!/usr/bin/env bash
# Apollo Server does not execute a gateway's schema, yet by default it writes a resolver into each of its fields, in
# place, at start or at the first operation (the cache-control plugin asks for field hooks). Whoever hands over the
# schema that it executes itself finds resolvers there that it never set. A copy, or the plugin switched off, avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @apollo/server@5.5.1 graphql@16.15.0
cat >look.cjs <<'JS'
const { ApolloServer } = require('@apollo/server');
const { ApolloServerPluginCacheControlDisabled } = require('@apollo/server/plugin/disabled');
const { buildSchema, execute } = require('graphql');
async function hasResolverAfter(plugins) {
  const schema = buildSchema('type Query { name: String }');
  const gateway = {
    load: async () => ({ executor: async ({ document }) => execute({ schema, document, rootValue: { name: 'x' } }) }),
    onSchemaLoadOrUpdate: (loaded) => {
      loaded({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => {};
    },
    stop: async () => {},
  };
  const server = new ApolloServer({ gateway, plugins });
  await server.start();
  await server.executeOperation({ query: '{ name }' });
  await server.stop();
  return schema.getQueryType().getFields().name.resolve !== undefined;
}
(async () => {
  const byDefault = await hasResolverAfter([]);
  const without = await hasResolverAfter([ApolloServerPluginCacheControlDisabled()]);
  console.log(`@apollo/server ${JSON.parse(require('fs').readFileSync('node_modules/@apollo/server/package.json', 'utf8')).version}, graphql ${require('graphql').version}`);
  console.log(`a gateway's field has a resolver after one operation: ${byDefault} by default, ${without} without cache control`);
  if (!byDefault || without) { console.error('changed'); process.exit(1); }
})();
JS
node look.cjs
