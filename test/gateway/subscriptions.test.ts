import type { ServerLimits } from '../../src/gateway/limits';
import { canaries, type Harness, startServer } from './server-harness';
import { connect, type SocketClient } from './socket-client';

let server: Harness;
let credentials: Record<string, string>;
const opened: SocketClient[] = [];
beforeAll(async () => {
  server = await startServer({ limits: { initialisationMs: 300, operationsPerSocket: 3, operationMs: 1_000 } });
  credentials = { authorization: `Bearer ${await server.token()}`, 'processing-purpose': 'SUPPORT' };
});
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});
afterAll(() => server.close());

async function open(options?: Parameters<typeof connect>[1]): Promise<SocketClient> {
  const client = await connect(server.url, options);
  opened.push(client);
  return client;
}

async function ready(payload: Record<string, unknown> = credentials): Promise<SocketClient> {
  const client = await open();
  expect(await client.init(payload)).toEqual({ type: 'connection_ack' });
  return client;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 200) throw new Error('it never came to be');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('pitfall 15: a WebSocket is one more way to the same decision', () => {
  test('pitfall 15: queries, mutations and events are decided, reported and logged', async () => {
    const client = await ready();
    client.subscribe('q', '{ customers { email health } }');
    expect(await client.next()).toMatchObject({
      type: 'next',
      id: 'q',
      payload: {
        data: { customers: [{ email: 'ada@example.org', health: null }, { health: null }] },
        errors: [{ path: ['customers', 0, 'health'], extensions: { code: 'PURPOSE_NOT_PERMITTED', rows: 2 } }],
        extensions: { governance: { purpose: 'SUPPORT', auditId: expect.stringMatching(/^[0-9a-f-]{36}$/) } },
      },
    });
    expect(await client.next()).toEqual({ type: 'complete', id: 'q' });
    client.subscribe('m', 'mutation { touch }');
    expect(await client.next()).toMatchObject({ payload: { data: { touch: 'touched' } } });
    await client.next();

    client.subscribe('s', 'subscription { changed { email health } }');
    await until(() => server.listeners() === 1);
    const ids = new Set<unknown>();
    for (let event = 0; event < 2; event++) {
      server.publish();
      const message = await client.next();
      expect(message).toMatchObject({ payload: { data: { changed: { email: 'ada@example.org', health: null } } } });
      ids.add(
        (message as { payload: { extensions: { governance: { auditId: string } } } }).payload.extensions.governance
          .auditId,
      );
    }
    expect(ids.size).toBe(2);
    const logged = server.log().filter(({ auditId }) => ids.has(auditId));
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatchObject({ transport: 'websocket', principal: 'mara', purpose: 'SUPPORT', withheld: 1 });
    expect(JSON.stringify(server.log())).not.toContain(canaries.health);
  });

  test('pitfall 15: without a token, or for no purpose, personal data is refused', async () => {
    const nobody = await ready({});
    nobody.subscribe('1', '{ customers { email } }');
    expect(await nobody.next()).toMatchObject({
      payload: { data: null, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    nobody.subscribe('2', 'subscription { changed { email } }');
    await nobody.next();
    expect(await nobody.next()).toMatchObject({
      payload: { data: null, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    const aimless = await ready({ authorization: credentials.authorization });
    aimless.subscribe('1', 'subscription { changed { email } }');
    expect(await aimless.next()).toMatchObject({ payload: { errors: [{ extensions: { code: 'PURPOSE_REQUIRED' } }] } });
    aimless.subscribe('2', 'subscription @purpose(is: SUPPORT) { changed { email } }');
    await aimless.next();
    await until(() => server.listeners() > 0);
    server.publish();
    expect(await aimless.next()).toMatchObject({ payload: { data: { changed: { email: 'ada@example.org' } } } });
  });

  test('pitfall 15: the limits on documents hold here too, and nothing that was sent comes back', async () => {
    const client = await ready();
    const canary = 'CANARY-ws-31ab';
    const tooMuch: [string, string][] = [
      ['OPERATION_TOO_LARGE', `{ ${'greeting '.repeat(20_000)} }`],
      ['OPERATION_TOO_LARGE', '{ customers(first: 1000000) { id } }'],
      ['GRAPHQL_PARSE_FAILED', `{ "${canary}"`],
      ['GRAPHQL_VALIDATION_FAILED', `{ echo(text: "${canary}") }`],
    ];
    for (const [index, [code, query]] of tooMuch.entries()) {
      client.subscribe(String(index), query);
      const message = await client.next();
      expect(message).toMatchObject({ type: 'error', id: String(index), payload: [{ extensions: { code } }] });
      expect(JSON.stringify(message)).not.toContain(canary);
    }
  });
});

describe('pitfall 16: rights that change while a subscription runs', () => {
  afterEach(() => {
    server.grants.add('SUPPORT');
  });

  test('pitfall 16: a purpose withdrawn ends the stream with the next event, which gives nothing', async () => {
    const client = await ready();
    client.subscribe('s', 'subscription { changed { email } }');
    await until(() => server.listeners() === 1);
    server.publish();
    expect(await client.next()).toMatchObject({ payload: { data: { changed: { email: 'ada@example.org' } } } });
    server.grants.delete('SUPPORT');
    server.publish();
    const last = await client.next();
    expect(last).toMatchObject({ payload: { data: null, errors: [{ extensions: { code: 'PURPOSE_NOT_GRANTED' } }] } });
    expect(JSON.stringify(last)).not.toContain('ada@example.org');
    expect(await client.next()).toEqual({ type: 'complete', id: 's' });
    expect(server.listeners()).toBe(0);
  });

  test('pitfall 16: a token that lapses ends the connection, whether anything happens on it or not', async () => {
    const now = Math.floor(Date.now() / 1000);
    // Verification forgives five seconds.
    const brief = await server.token({ exp: now - 1 });
    const client = await ready({ authorization: `Bearer ${brief}` });
    client.subscribe('s', 'subscription { ticks }');
    await until(() => server.listeners() === 1);
    server.publish();
    expect(await client.next()).toMatchObject({ payload: { data: { ticks: 1 } } });
    expect(await client.next()).toEqual({ closed: 4403, reason: 'The token has expired.' });
    await until(() => server.listeners() === 0);
  });

  test('pitfall 16: whoever leaves, by message or by closing, releases the source at once', async () => {
    const client = await ready();
    client.subscribe('a', 'subscription { changed { email } }');
    client.subscribe('b', 'subscription { ticks }');
    await until(() => server.listeners() === 2);
    client.send({ type: 'complete', id: 'a' });
    await until(() => server.listeners() === 1);
    client.close();
    await until(() => server.listeners() === 0);
  });
});

describe('bounds on subscriptions', () => {
  const opening: Harness[] = [];
  afterEach(async () => {
    for (const each of opening.splice(0)) await each.close();
  });

  /** Sockets of a server of its own, each of a principal. */
  async function served(limits: Partial<ServerLimits>, ...principals: readonly string[]) {
    const own = await startServer({ limits });
    opening.push(own);
    const clients = principals.map(async (sub) => {
      const client = await connect(own.url);
      opened.push(client);
      await client.init({ authorization: `Bearer ${await own.token({ sub })}` });
      return client;
    });
    return { own, clients: await Promise.all(clients) };
  }

  it('429: one principal has no more than its share, on however many sockets; others have theirs', async () => {
    const limits = { subscriptionsPerCaller: 2 };
    const { own, clients } = await served(limits, 'mara', 'mara', 'nils');
    const [one, two, other] = clients as [SocketClient, SocketClient, SocketClient];
    one.subscribe('1', 'subscription { ticks }');
    two.subscribe('1', 'subscription { ticks }');
    await until(() => own.listeners() === 2);
    one.subscribe('2', 'subscription { ticks }');
    expect(await one.next()).toMatchObject({ id: '2', payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] });
    other.subscribe('1', 'subscription { ticks }');
    await until(() => own.listeners() === 3);
    two.send({ type: 'complete', id: '1' });
    await until(() => own.listeners() === 2);
    one.subscribe('3', 'subscription { ticks }');
    await until(() => own.listeners() === 3);
  });

  it('503: the server has no more than it can take', async () => {
    const { own, clients } = await served({ subscriptions: 1 }, 'mara', 'nils');
    clients[0]?.subscribe('1', 'subscription { ticks }');
    await until(() => own.listeners() === 1);
    clients[1]?.subscribe('1', 'subscription { ticks }');
    expect(await clients[1]?.next()).toMatchObject({ payload: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    clients[0]?.close();
    await until(() => own.listeners() === 0);
    clients[1]?.subscribe('2', 'subscription { ticks }');
    await until(() => own.listeners() === 1);
  });

  it('an event reaches all subscriptions of a principal, more than it may have operations', async () => {
    const { own, clients } = await served({ operationsPerCaller: 2, executionsPerCaller: 2 }, 'mara');
    const [client] = clients as [SocketClient];
    for (let id = 0; id < 40; id++) {
      client.subscribe(String(id), 'subscription { ticks }');
      await until(() => own.listeners() === id + 1);
    }
    own.publish();
    const reached = new Set<unknown>();
    for (let n = 0; n < 40; n++) reached.add(JSON.stringify(await client.next()).replace(/"auditId":"[^"]*"/, ''));
    expect(reached.size).toBe(40);
    expect([...reached].every((message) => String(message).includes('"ticks":1'))).toBe(true);
  });

  it('a subscription outlives an outage: its event is answered when rights can be looked up again', async () => {
    const { own, clients } = await served({}, 'mara', 'nils');
    const [client, leaver] = clients as [SocketClient, SocketClient];
    for (const each of [client, leaver]) each.subscribe('1', 'subscription { ticks }');
    await until(() => own.listeners() === 2);
    own.fault = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
    own.publish();
    await new Promise((resolve) => setTimeout(resolve, 700));
    leaver.close();
    await until(() => own.listeners() === 1);
    own.fault = undefined;
    expect(await client.next()).toMatchObject({ type: 'next', payload: { data: { ticks: 1 } } });
  });

  it('an id that is used again while its subscription opens leaves no source behind', async () => {
    const { own, clients } = await served({}, 'mara');
    const [client] = clients as [SocketClient];
    for (let again = 0; again < 3; again++) {
      client.subscribe('1', 'subscription { late }');
      client.send({ type: 'complete', id: '1' });
    }
    client.subscribe('1', 'subscription { late }');
    await new Promise((resolve) => setTimeout(resolve, 600));
    client.close();
    await until(() => own.listeners() === 0);
  });
});

describe('graphql-transport-ws by the letter', () => {
  it('4400: a message that is none, or a purpose that is none (pitfall 20)', async () => {
    const client = await ready();
    client.send('not json CANARY');
    expect(await client.next()).toEqual({ closed: 4400, reason: 'Invalid message received' });
    const wrong: Record<string, unknown>[] = [
      { 'processing-purpose': 'support' },
      { 'processing-purpose': '' },
      { 'processing-purpose': ['SUPPORT'] },
      { 'processing-purpose': 'SUPPORT', 'Processing-Purpose': 'LEGAL' },
      { 'processing-purpose': null },
    ];
    for (const payload of wrong) {
      expect(await (await open()).init(payload)).toEqual({ closed: 4400, reason: expect.stringContaining('SUPPORT') });
    }
  });

  it('4401: an operation before the connection is acknowledged', async () => {
    const client = await open();
    client.subscribe('1', '{ greeting }');
    expect(await client.next()).toMatchObject({ closed: 4401 });
  });

  it('4403: a token that proves nothing', async () => {
    for (const authorization of ['Bearer abc.def.ghi', 'Basic abc', '', 7]) {
      const client = await open();
      expect(await client.init({ authorization })).toMatchObject({ closed: 4403 });
    }
  });

  it('4406: another protocol', async () => {
    const client = await open({ protocol: 'graphql-ws' }).catch(() => undefined);
    if (client) expect(await client.next()).toMatchObject({ closed: 4406 });
  });

  it('4408: no initialisation in time', async () => {
    expect(await (await open()).next()).toMatchObject({ closed: 4408 });
  });

  it('4409: an id that is in use', async () => {
    const client = await ready();
    client.subscribe('1', 'subscription { ticks }');
    client.subscribe('1', 'subscription { ticks }');
    expect(await client.next()).toMatchObject({ closed: 4409 });
  });

  it('4429: a second initialisation', async () => {
    const client = await ready();
    expect(await client.init()).toMatchObject({ closed: 4429 });
  });
});

describe('bounds on one connection', () => {
  it('refuses operations beyond the limit, and keeps the others', async () => {
    const client = await ready();
    for (const id of ['1', '2', '3']) client.subscribe(id, 'subscription { ticks }');
    await until(() => server.listeners() === 3);
    client.subscribe('4', '{ greeting }');
    expect(await client.next()).toMatchObject({ id: '4', payload: [{ extensions: { code: 'TOO_MANY_OPERATIONS' } }] });
    server.publish();
    const survivors = [await client.next(), await client.next(), await client.next()];
    expect(survivors.map((message) => 'id' in message && message.id).sort()).toEqual(['1', '2', '3']);
  });

  it('closes on a message over the size limit', async () => {
    const client = await ready();
    client.subscribe('1', `{ greeting } #${'x'.repeat(256 * 1024)}`);
    expect(await client.next()).toMatchObject({ closed: 1009 });
  });

  it('answers an operation that takes too long in time', async () => {
    const client = await ready();
    client.subscribe('1', '{ slow(ms: 1500) }');
    expect(await client.next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'TIMEOUT' } }] });
  });

  it('opens for pages of this host and for whoever is no browser, and for no other page', async () => {
    await expect(open({ headers: { origin: 'https://evil.example' } })).rejects.toThrow('403');
    await expect(open({ headers: { origin: 'null' } })).rejects.toThrow('403');
    const own = await open({ headers: { origin: server.url } });
    expect(await own.init()).toEqual({ type: 'connection_ack' });
  });
});

test('a mutation that takes too long says what may have become of it', async () => {
  const client = await connect(server.url);
  await client.init({ authorization: `Bearer ${await server.token()}` });
  client.subscribe('1', 'mutation { linger(ms: 1500) }');
  expect(await client.next()).toMatchObject({
    type: 'error',
    payload: [{ message: expect.stringContaining('longer than'), extensions: { code: 'TIMEOUT', write: 'UNKNOWN' } }],
  });
  client.subscribe('2', '{ slow(ms: 1500) }');
  expect(await client.next()).not.toHaveProperty('payload.0.extensions.write');
  client.close();
});
