#!/usr/bin/env bash
# A client may complete a subscription before the server has opened it, and then use its id again. graphql-ws keeps one
# place for each id: the second subscription takes it over, and the source of the first is never told to end, not even
# when the socket closes. A server whose sources hold timers or connections has to end them itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund graphql-ws@6.4.2 graphql@16.12.0 ws@8.18.3
cat >look.cjs <<'JS'
const { readFileSync } = require('node:fs');
const { buildSchema } = require('graphql');
const { useServer } = require('graphql-ws/use/ws');
const { WebSocket, WebSocketServer } = require('ws');
const schema = buildSchema('type Query { a: Int } type Subscription { tick: Int }');
const sources = [];
// A source without events, which knows whether it was told to end.
function source() {
  const one = { ended: false };
  sources.push(one);
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  return {
    next: () => ended,
    return: async () => {
      one.ended = true;
      end({ done: true, value: undefined });
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
const server = new WebSocketServer({ port: 0 }, () => {
  const opening = () => new Promise((resolve) => setTimeout(() => resolve(source()), 300));
  useServer({ schema, subscribe: opening }, server);
  const socket = new WebSocket(`ws://127.0.0.1:${server.address().port}/`, 'graphql-transport-ws');
  const send = (message) => socket.send(JSON.stringify(message));
  const subscribe = () => send({ id: '1', type: 'subscribe', payload: { query: 'subscription { tick }' } });
  socket.on('open', () => send({ type: 'connection_init' }));
  socket.on('message', (bytes) => {
    if (JSON.parse(bytes).type !== 'connection_ack') return;
    subscribe();
    send({ id: '1', type: 'complete' });
    subscribe();
    setTimeout(() => socket.close(), 1_000);
    setTimeout(() => {
      const seen = sources.map(({ ended }) => (ended ? 'ended' : 'never ended')).join(', ');
      console.log(`graphql-ws ${JSON.parse(readFileSync('node_modules/graphql-ws/package.json')).version}`);
      console.log(`sources after the socket has closed: ${seen}`);
      if (seen !== 'never ended, ended') console.error('changed');
      process.exit(seen === 'never ended, ended' ? 0 : 1);
    }, 1_600);
  });
});
JS
node look.cjs
