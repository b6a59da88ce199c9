import { Agent, request } from 'node:http';
import { type Harness, send, startServer } from './server-harness';
import { connect } from './socket-client';

describe('health', () => {
  let server: Harness;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  it('says that the process is up', async () => {
    expect(await send(`${server.url}/healthz`, {})).toMatchObject({ status: 200, body: { status: 'up' } });
  });

  it('says in words what keeps it from being ready', async () => {
    expect(await send(`${server.url}/readyz`, {})).toMatchObject({ status: 200, body: { status: 'ready' } });
    server.faults.push('the database does not answer');
    expect(await send(`${server.url}/readyz`, {})).toMatchObject({
      status: 503,
      body: { status: 'not ready', faults: ['the database does not answer'] },
    });
    expect((await send(`${server.url}/healthz`, {})).status).toBe(200);
    server.faults.length = 0;
  });

  it('says what somebody ought to look at, and is ready all the same', async () => {
    const own = await startServer({ concerns: async () => ['the issuer cannot be asked'] });
    expect(await send(`${own.url}/readyz`, {})).toMatchObject({
      status: 200,
      body: { status: 'ready', concerns: ['the issuer cannot be asked'] },
    });
    await own.close();
  });

  it('is not ready where the check itself fails, and tells nobody why', async () => {
    const own = await startServer({ ready: () => Promise.reject(new Error('CANARY-password')) });
    const answer = await send(`${own.url}/readyz`, {});
    expect(answer.status).toBe(503);
    expect(answer.text + JSON.stringify(own.log())).not.toContain('CANARY-password');
    await own.close();
  });
});

describe('metrics', () => {
  it('count requests, decisions, codes and sockets, and name nobody', async () => {
    const server = await startServer();
    const bearer = { authorization: `Bearer ${await server.token()}`, 'processing-purpose': 'SUPPORT' };
    await server.post({ query: 'query Desk { customers { id email health } }' }, bearer);
    await server.post({ query: '{ customers { email } }' });
    const client = await connect(server.url);
    await client.init();
    const answer = await send(`${server.url}/metrics`, {});
    expect(answer.headers['content-type']).toContain('text/plain');
    for (const line of [
      'remit_http_request_duration_seconds_count{method="POST",route="/graphql",status="200"} 1',
      'remit_http_request_duration_seconds_count{method="POST",route="/graphql",status="401"} 1',
      'remit_decisions_total{purpose="SUPPORT",outcome="PARTLY"} 1',
      'remit_decisions_total{purpose="none",outcome="REFUSED"} 1',
      'remit_outcomes_total{code="PURPOSE_NOT_PERMITTED"} 1',
      'remit_outcomes_total{code="UNAUTHENTICATED"} 1',
      'remit_websocket_connections 1',
      'process_cpu_user_seconds_total',
    ]) {
      expect(answer.text).toContain(line);
    }
    for (const name of ['mara', 'northwind', 'ada@', 'Desk', 'CANARY']) expect(answer.text).not.toContain(name);
    client.close();
    await server.close();
  });
});

describe('a graceful shutdown', () => {
  it('answers what is under way, turns readiness off, and ends WebSockets with 1001', async () => {
    const server = await startServer();
    const client = await connect(server.url);
    await client.init();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await get(`${server.url}/healthz`, agent);
    const slow = server.post({ query: '{ slow(ms: 2500) }' });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const closed = server.app.close();
    expect(await client.next()).toMatchObject({ closed: 1001 });
    expect(await get(`${server.url}/readyz`, agent)).toMatchObject({ status: 503, connection: 'close' });
    await expect(send(`${server.url}/healthz`, {})).rejects.toThrow('ECONNREFUSED');
    expect((await slow).body.data).toEqual({ slow: 'slept' });
    await closed;
    agent.destroy();
    await server.issuer.close();
  });

  it('loses no request of many clients that keep their connections', async () => {
    const server = await startServer();
    const outcomes = { answered: 0, refused: 0, lost: [] as string[] };
    const connected = new Set<number>();
    const clients = Array.from({ length: 20 }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (;;) {
        try {
          const answer = await get(`${server.url}/graphql?query={greeting}`, agent);
          if (answer.status !== 200) outcomes.lost.push(String(answer.status));
          outcomes.answered++;
          connected.add(client);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === 'ECONNREFUSED') outcomes.refused++;
          else outcomes.lost.push(String(code));
          agent.destroy();
          return;
        }
      }
    });
    // Connections that the system has taken and the server has not are reset with its socket: there must be none.
    while (connected.size < 20) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.app.close();
    await Promise.all(clients);
    expect(outcomes.lost).toEqual([]);
    expect(outcomes.refused).toBe(20);
    expect(outcomes.answered).toBeGreaterThan(100);
    await server.issuer.close();
  });

  it('waits no longer than its deadline', async () => {
    const server = await startServer({ limits: { shutdownMs: 700, operationMs: 60_000 } });
    const stuck = server.post({ query: '{ slow(ms: 4000) }' }).catch((error: NodeJS.ErrnoException) => error.code);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = Date.now();
    await server.close();
    expect(Date.now() - before).toBeLessThan(4_000);
    expect(await stuck).toBe('ECONNRESET');
  });
});

function get(url: string, agent: Agent): Promise<{ status: number | undefined; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers: { 'apollo-require-preflight': 'true' } }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode, connection: response.headers.connection }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
