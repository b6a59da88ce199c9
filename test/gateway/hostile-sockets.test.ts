import { createConnection } from 'node:net';
import type { ServerOptions } from '../../src/gateway/server-options';
import { startServer } from './server-harness';
import { connect, type SocketClient } from './socket-client';

const open: Array<{ close(): unknown }> = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function serve(limits: ServerOptions['limits'], more: Partial<ServerOptions> = {}) {
  const server = await startServer({ limits, ...more });
  open.push(server);
  return server;
}

async function client(url: string, headers: Record<string, string> = {}): Promise<SocketClient> {
  const connected = await connect(url, { headers });
  open.push(connected);
  return connected;
}

const closing = (socket: SocketClient) =>
  new Promise<number>((resolve) => socket.socket.once('close', (code) => resolve(code)));

test('attack S7: a ping is answered without what came with it, and the library answers nothing by itself', async () => {
  const { url } = await serve({});
  const socket = await client(url);
  await socket.init();
  socket.send({ type: 'ping', payload: { long: 'x'.repeat(10_000) } });
  expect(await socket.next()).toEqual({ type: 'pong' });
});

test('attack S7: a socket that does not read what it is sent is cut off', async () => {
  const { url } = await serve({ socketBuffer: 64 * 1024, anonymousSocketMessages: 1e6, socketBytes: 1e9 });
  const socket = await client(url);
  await socket.init();
  const closed = closing(socket);
  socket.socket.pause();
  const ping = Buffer.alloc(125);
  let over = false;
  void closed.then(() => {
    over = true;
  });
  for (let sent = 0; sent < 400_000 && !over && socket.socket.readyState === socket.socket.OPEN; sent++) {
    socket.socket.ping(ping);
    if (sent % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.socket.resume();
  expect(await closed).toBe(1006);
}, 60_000);

test('attack S7: messages and bytes a second are bounded, pings among them', async () => {
  const server = await serve({ socketMessages: 2, socketBytes: 1_000 });
  const known = async () => {
    const socket = await client(server.url);
    await socket.init({ authorization: `Bearer ${await server.token()}` });
    return socket;
  };
  const talker = await known();
  const talked = closing(talker);
  for (let sent = 0; sent < 30; sent++) talker.send({ type: 'ping' });
  expect(await talked).toBe(1008);
  const pinger = await known();
  const pinged = closing(pinger);
  for (let sent = 0; sent < 30; sent++) pinger.socket.ping();
  expect(await pinged).toBe(1008);
  const sender = await known();
  const sent = closing(sender);
  sender.send({ type: 'ping', payload: { long: 'x'.repeat(11_000) } });
  expect(await sent).toBe(1008);
});

test('attack S7: a socket that has shown no token may say little, and one that has may say more', async () => {
  const server = await serve({ anonymousSocketMessages: 5 });
  const nobody = await client(server.url);
  await nobody.init();
  const closed = closing(nobody);
  for (let sent = 0; sent < 6; sent++) nobody.send({ type: 'ping' });
  expect(await closed).toBe(1008);
  const known = await client(server.url);
  await known.init({ authorization: `Bearer ${await server.token()}` });
  for (let sent = 0; sent < 20; sent++) known.send({ type: 'ping' });
  for (let answered = 0; answered < 20; answered++) expect(await known.next()).toEqual({ type: 'pong' });
});

test('attack S7: an address opens only so many sockets a second, however soon it closes them', async () => {
  const { url } = await serve({ socketOpenings: 1 });
  for (let opened = 0; opened < 10; opened++) {
    const socket = await client(url);
    const closed = closing(socket);
    socket.close();
    await closed;
  }
  const refused: unknown[] = [];
  for (let tried = 0; tried < 3 && refused.length === 0; tried++)
    await client(url).catch((error) => refused.push(error));
  expect(String(refused[0])).toContain('429');
  for (let waited = 0; waited < 50; waited++) {
    if (await client(url).catch(() => undefined)) return;
  }
  throw new Error('nothing is opened any more');
});

test('attack S7: the id of an operation, which comes back with each answer, is bounded', async () => {
  const { url } = await serve({});
  const socket = await client(url);
  await socket.init();
  socket.subscribe('x'.repeat(129), '{ greeting }');
  expect(await socket.next()).toEqual({ closed: 4400, reason: 'The id of an operation is too long.' });
});

test('attack S7: sockets are bounded in all and by address', async () => {
  const { url } = await serve({ socketsPerAddress: 2 });
  const [first] = [await client(url), await client(url)];
  await expect(connect(url)).rejects.toThrow('429');
  const closed = closing(first);
  first.close();
  await closed;
  await client(url);
  const all = await serve({ sockets: 1 });
  await client(all.url);
  await expect(connect(all.url)).rejects.toThrow('503');
});

test('attack S7: sockets without a token are few, and closed after a time; a token keeps them open', async () => {
  const server = await serve({ anonymousSockets: 2, anonymousSocketMs: 1_500, initialisationMs: 5_000 });
  const known = await client(server.url);
  expect(await known.init({ authorization: `Bearer ${await server.token()}` })).toEqual({ type: 'connection_ack' });
  const anonymous = await client(server.url);
  expect(await anonymous.init()).toEqual({ type: 'connection_ack' });
  await client(server.url);
  await expect(connect(server.url)).rejects.toThrow('503');
  expect(await anonymous.next()).toMatchObject({ closed: 4403 });
  known.subscribe('1', '{ greeting }');
  expect(await known.next()).toMatchObject({ type: 'next', payload: { data: { greeting: 'hello' } } });
});

test('attack S7: an address behind a proxy is the proxy’s, unless the proxy is trusted', async () => {
  const forged = { 'x-forwarded-for': '203.0.113.7' };
  const plain = await serve({ socketsPerAddress: 1 });
  await client(plain.url);
  await expect(connect(plain.url, { headers: forged })).rejects.toThrow('429');
  const proxied = await serve({ socketsPerAddress: 1 }, { trustedProxies: ['127.0.0.0/8'] });
  await client(proxied.url, forged);
  await client(proxied.url, { 'x-forwarded-for': '203.0.113.8' });
  await expect(connect(proxied.url, { headers: forged })).rejects.toThrow('429');
});

test('attack S9: on a socket it is executions that count, whatever ids the protocol has forgotten', async () => {
  const { url } = await serve({ operationsPerSocket: 2 });
  const socket = await client(url);
  await socket.init();
  for (const id of ['1', '2', '3']) {
    socket.subscribe(id, '{ slow(ms: 2000) }');
    socket.send({ type: 'complete', id });
  }
  socket.subscribe('4', '{ greeting }');
  let told = await socket.next();
  while (!('id' in told) || told.id !== '4') told = await socket.next();
  expect(told).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'TOO_MANY_OPERATIONS' } }] });
});

test('attack S9: an execution counts over HTTP and sockets together, and by principal', async () => {
  const server = await serve({ operationsPerCaller: 2 });
  const authorization = `Bearer ${await server.token()}`;
  const socket = await client(server.url);
  await socket.init({ authorization });
  for (const id of ['1', '2']) socket.subscribe(id, '{ slow(ms: 3000) }');
  const greet = () => server.post({ query: '{ greeting }' }, { authorization });
  let refused = await greet();
  // Until the server has read both.
  while (refused.status === 200) refused = await greet();
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
  const other = await server.post(
    { query: '{ greeting }' },
    { authorization: `Bearer ${await server.token({ sub: 'x' })}` },
  );
  expect(other.status).toBe(200);
});

test('attack S7: a connection on which a request comes before the last one is answered is ended', async () => {
  const { url } = await serve({});
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ query: '{ slow(ms: 300) }' });
  const asked = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const talk = async (text: string) => {
    const socket = createConnection(Number(port), hostname);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += String(chunk);
      if (heard.includes('"slow"')) socket.end();
    });
    socket.write(text);
    await new Promise((resolve) => socket.once('close', resolve));
    return heard;
  };
  expect(await talk(asked)).toContain('200 OK');
  expect(await talk(asked + asked)).toBe('');
});
