import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { startSdk } from '../../src/gateway/telemetry-sdk';
import { send } from '../../src/outbound/http';
import { remit, startRemit } from '../support/cli';
import { connect } from './socket-client';

jest.setTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), 'remit-telemetry-'));
const children: ReturnType<typeof startRemit>[] = [];
const loadedSdk = join(folder, 'loaded-sdk.js');
let token = '';

beforeAll(async () => {
  const sdk = /@opentelemetry.(sdk|exporter)/;
  const told = `Object.keys(require.cache).filter((file) => ${sdk}.test(file)).length`;
  writeFileSync(loadedSdk, `process.on('exit', () => process.stderr.write('SDK files: ' + ${told} + '\\n'));`);
  await run('seed', '--customers', '3');
  const words = ['--role', 'CLIENT_AGENT', '--client', 'sample-alpine-outfitters', '--purpose', 'SUPPORT'];
  token = await run('token', ...words, '--country', 'DE');
});

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function run(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await remit(words, { cwd: folder });
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** A server on loopback. */
async function listen(server: ReturnType<typeof createServer> | ReturnType<typeof createTcpServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An OpenTelemetry collector, of the parts that an exporter asks for. */
async function startCollector() {
  const received = { '/v1/traces': Buffer.alloc(0), '/v1/logs': Buffer.alloc(0) };
  const take: RequestListener = async (request, response) => {
    const body = await buffer(request);
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const path = request.url as keyof typeof received;
    received[path] = Buffer.concat([received[path], plain]);
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }).end();
  };
  const server = createServer(take);
  return { url: await listen(server), received, close: () => server.close() };
}

async function serve(env: Record<string, string>) {
  const nodeOptions = ['--require', loadedSdk];
  const child = startRemit(['serve'], { cwd: folder, env: { PORT: '0', ...env }, nodeOptions });
  children.push(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk;
    });
  }
  const listening = /"msg":"listening on (http:\S+)\/graphql"/;
  for (let tries = 0; !listening.test(log); tries++) {
    if (tries > 2_000) throw new Error(`it did not start: ${log}`);
    await sleep(20);
  }
  const url = `${listening.exec(log)?.[1]}/graphql`;
  const ask = async (body: object, headers: Record<string, string> = {}) => {
    const own = {
      'content-type': 'application/json',
      'processing-purpose': 'SUPPORT',
      authorization: `Bearer ${token}`,
    };
    const answer = await fetch(url, { method: 'POST', headers: { ...own, ...headers }, body: JSON.stringify(body) });
    return answer.json() as Promise<{ data: { customers: { nodes: Record<string, string>[] } } }>;
  };
  const end = async () => {
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    return (await closed)[0] as number | null;
  };
  return { url: url.replace('/graphql', ''), ask, end, log: () => log };
}

/** What waits is sent at the end alone: a batch is never full, and its time never comes. */
const patient = { OTEL_BSP_SCHEDULE_DELAY: '600000', OTEL_BLRP_SCHEDULE_DELAY: '600000' };

test('spans and logs reach a collector at the end at the latest, and hold nothing of people', async () => {
  const collector = await startCollector();
  const server = await serve({ ...patient, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'desk' });
  const [traceId, parentId] = [randomBytes(16), randomBytes(8)];
  const traceparent = `00-${traceId.toString('hex')}-${parentId.toString('hex')}-01`;
  const query = `query CANARYname($first: Int!) { customers(first: $first) { nodes { CANARYalias: firstName lastName email } } }`;
  const extensions = { CANARYextension: 1 };
  const headers = { traceparent, baggage: 'CANARYbaggage=1', cookie: 'CANARYcookie=1' };
  const { data } = await server.ask(
    { query, variables: { first: 2, CANARYvariable: 'CANARYvalue' }, extensions },
    headers,
  );
  const socketTrace = randomBytes(16);
  const socket = await connect(server.url);
  await socket.init({ authorization: `Bearer ${token}`, 'processing-purpose': 'SUPPORT' });
  const carrier = { traceparent: `00-${socketTrace.toString('hex')}-${parentId.toString('hex')}-01`, CANARY: 1 };
  socket.subscribe('1', query, { variables: { first: 1 }, extensions: carrier });
  expect(await socket.next()).toMatchObject({ type: 'next' });
  socket.close();
  const read = data.customers.nodes.flatMap((node) => Object.values(node));
  expect(read.length).toBe(6);
  expect(await server.end()).toBe(0);
  const { '/v1/traces': spans, '/v1/logs': records } = collector.received;
  expect(
    [traceId, parentId, socketTrace, 'websocket', 'graphql', 'desk', 'SUPPORT', 'ANSWERED'].filter(
      (part) => !spans.includes(part),
    ),
  ).toEqual([]);
  expect([traceId, 'listening on', 'request', 'desk', 'ANSWERED'].filter((part) => !records.includes(part))).toEqual(
    [],
  );
  for (const secret of ['CANARY', token, token.split('.')[2] ?? '', ...read]) {
    expect([secret, spans.includes(secret), records.includes(secret)]).toEqual([secret, false, false]);
  }
  expect(server.log()).toContain(`"traceId":"${traceId.toString('hex')}"`);
  collector.close();
});

test('a collector that never answers holds up neither a request nor the end', async () => {
  const silent = createTcpServer(() => undefined);
  const hurried = { OTEL_BSP_SCHEDULE_DELAY: '10', OTEL_BLRP_SCHEDULE_DELAY: '10' };
  const server = await serve({ ...hurried, OTEL_EXPORTER_OTLP_ENDPOINT: await listen(silent) });
  for (let asked = 0; asked < 20; asked++) {
    const { data } = await server.ask({ query: '{ customers { nodes { email } } }' });
    expect(data.customers.nodes.length).toBeGreaterThan(0);
  }
  expect(await server.end()).toBe(0);
  silent.close();
});

test('a collector that is away is told in the log, and what is wrong with its address at the start', async () => {
  const server = await serve({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  await server.ask({ query: '{ customers { nodes { email } } }' });
  expect(await server.end()).toBe(0);
  expect(server.log()).toContain('traces or logs could not be sent to the collector');
  const { code, stderr } = await remit(['serve'], {
    cwd: folder,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_LOGS_EXPORTER: 'kafka',
    },
  });
  expect(code).toBe(1);
  for (const name of ['ENDPOINT', 'PROTOCOL']) expect(stderr).toContain(`OTEL_EXPORTER_OTLP_${name}: must be`);
  expect(stderr).toContain('OTEL_LOGS_EXPORTER: must be otlp or none');
});

test.each([
  ['no variable names a collector', {}],
  ['it is switched off', { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }],
  [
    'its exporters are none',
    { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9' },
  ],
])('nothing of the SDK is loaded where %s', async (_, env) => {
  const server = await serve(env);
  expect(await server.end()).toBe(0);
  expect(server.log()).toContain('SDK files: 0\n');
});

test('a call to another server continues the trace of what is under way', async () => {
  // Spans are made and not sent: Jest refuses the exporter's way of loading itself.
  process.env.OTEL_TRACES_SAMPLER = 'always_off';
  const end = startSdk({ traces: true, logs: false });
  let seen: IncomingHttpHeaders = {};
  const called = createServer((request, response) => {
    seen = request.headers;
    response.end();
  });
  const url = await listen(called);
  const policy = { timeoutMs: 5_000, maxBytes: 10, privateAddresses: true };
  const callers = propagation.extract(ROOT_CONTEXT, { baggage: 'CANARY=1' });
  const traceId = await trace.getTracer('test').startActiveSpan('asking', {}, callers, async (span) => {
    await send({ url, method: 'GET' }, policy);
    span.end();
    return span.spanContext().traceId;
  });
  expect(seen.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  // What a caller writes there is nobody else's business.
  expect(seen.baggage).toBeUndefined();
  await end();
  called.close();
});
