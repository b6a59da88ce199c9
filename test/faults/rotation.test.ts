import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { keptHeads } from '../../src/audit/log/checkpoint-store';
import { chainOf } from '../../src/audit/log/key-history';
import { type AuditProof, faultOfProof } from '../../src/audit/log/proof';
import { verifyLedger } from '../../src/audit/verification/verification';
import { jobWorker } from '../../src/background';
import { verifyCertificate } from '../../src/erasure/records/certificate';
import { DAY_MS } from '../../src/law/calendar';
import { serverOf, tokenOf } from '../audit/audited-server';
import { openTestApp, type TestApp } from '../support/app';
import { databases, type TestDatabase } from '../support/databases';

const CONNECTIONS = 64;
/** As pino numbers levels. */
const ERROR = 50;
const pace = { leadMs: 4_000, overlapMs: 1_500 };

interface Reply {
  readonly status: number;
  readonly body: {
    readonly data?: Record<
      string,
      {
        readonly id?: string;
        readonly nodes?: Array<{ email: string | null }>;
        readonly customer?: { id: string };
      }
    >;
    readonly errors?: unknown;
    readonly extensions?: { readonly governance: { readonly auditId: string } };
  };
}

describe.each(databases)('every key is replaced under load on $name', ({ create }) => {
  let database: TestDatabase;
  let apps: [TestApp, TestApp];
  let servers: FastifyInstance[];
  const ports: number[] = [];
  const logged: unknown[] = [];
  let client: string;

  beforeAll(async () => {
    database = await create();
    const first = await openTestApp(database, {}, {}, { epoch: DAY_MS, pace });
    apps = [first, await first.replica()];
    const log = new Writable({
      write: (line, _, done) => {
        const { level, err } = JSON.parse(String(line)) as { level: number; err?: unknown };
        if (level >= ERROR) logged.push(err ?? String(line));
        done();
      },
    });
    servers = await Promise.all(apps.map((app) => serverOf(app, log)));
    for (const server of servers) {
      await server.listen({ port: 0, host: '127.0.0.1' });
      ports.push((server.server.address() as AddressInfo).port);
    }
    client = (await first.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test')).id;
  }, 60_000);

  afterAll(async () => {
    for (const server of servers) await server.close();
    for (const { services } of apps) await services.ledger.close();
    for (const app of apps.toReversed()) await app.close();
    await database.drop();
  });

  const post = (agent: Agent, port: number, query: string, variables: object = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${tokenOf({ role: 'CLIENT_ADMIN', client })}`,
        'content-type': 'application/json',
        'processing-purpose': 'SERVICE_DELIVERY',
      };
      const sent = request({ host: '127.0.0.1', port, path: '/graphql', method: 'POST', agent, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }));
      });
      sent.on('error', reject).end(JSON.stringify({ query, variables }));
    });

  const READ = '{ customers(first: 5) { nodes { email } } }';
  const FIND = 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id } }';
  const WRITE = `mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }`;

  /**
   * Everybody reads and writes on a connection of their own until `isOver`.
   * @returns what was not right, and how much was done
   */
  const load = async (isOver: () => boolean) => {
    const faults: unknown[] = [];
    const entries: string[] = [];
    const work = async (number: number) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      let known: { readonly email: string; readonly externalId: string; readonly id: string } | undefined;
      for (let turn = 0; !isOver(); turn++) {
        // By the other process than the one that wrote the person.
        const port = ports[(number + Math.trunc(turn / 2)) % 2] ?? 0;
        const email = `person-${number}-${turn}@example.org`;
        const input = { email, externalId: `X-${number}-${turn}`, residency: 'DE', firstName: 'Ada' };
        const by = { [turn % 8 === 2 ? 'email' : 'externalId']: turn % 8 === 2 ? known?.email : known?.externalId };
        const asks = (['write', 'read', 'find', 'read'] as const)[turn % 4] ?? 'read';
        const variables = { write: { input }, find: { by }, read: {} }[asks];
        const reply = await post(agent, port, { write: WRITE, find: FIND, read: READ }[asks], variables);
        const { data, errors, extensions } = reply.body;
        const isRight = {
          write: () => data?.createCustomer?.customer !== undefined,
          find: () => data?.customerLookup?.id === known?.id,
          read: () => data?.customers?.nodes?.every((node) => node.email !== null),
        }[asks]();
        if (reply.status !== 200 || errors || !isRight) faults.push({ asks, by, reply });
        const id = data?.createCustomer?.customer?.id;
        if (id) known = { email, externalId: input.externalId, id };
        if (extensions) entries.push(extensions.governance.auditId);
      }
      agent.destroy();
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => work(number)));
    return { faults, entries };
  };

  const certificateOf = async (email: string): Promise<string> => {
    const { customers, erasure } = apps[0].services;
    const person = await customers.create(client, { email, residency: 'DE' }, 'test');
    const by = { principal: 'test', role: 'CLIENT_ADMIN', grounds: 'CONSENT_WITHDRAWN' } as const;
    const { id } = await erasure.erasures.request(client, person, by);
    await jobWorker(apps[0].stores, apps[0].services).drain();
    await erasure.turning.turn();
    await jobWorker(apps[0].stores, apps[0].services).drain();
    return (await erasure.records.require(client, id)).certificate ?? '';
  };

  const proofOf = async (entry: string | undefined): Promise<AuditProof> => {
    const proof = await apps[0].services.auditReader.proof(undefined, entry ?? '');
    if (!proof) throw new Error(`there is no entry ${entry}`);
    return proof;
  };

  test('64 connections notice nothing; every proof and certificate from before and after verifies', async () => {
    const [{ services, stores }, { services: other }] = apps;
    const { publicKey: known } = await services.ledger.signer();
    const owner = { kind: 'CLIENT', id: client } as const;
    const url = 'https://acme.example/hook';
    const endpoint = await services.webhooks.register(client, owner, { url }, 'test');
    const certificates = [await certificateOf('before@example.org')];
    const entry = await services.recorder.record('GRANT_GIVEN', { client, principal: 'test' });
    const old = await proofOf(entry);
    let isOver = false;
    const loading = load(() => isOver);
    await sleep(500);

    await services.rotations.begin(['certificates', 'ledger', 'webhooks']);
    const before = await stores.keys.derivedKey(client, 'blind-index');
    await services.clientSecrets.begin(client);
    const gone: string[] = [];
    const fail = (error: unknown) => {
      throw error;
    };
    while (gone.length < 4) {
      await services.erasure.turning.turn();
      gone.push(...(await other.rotations.end()).map(({ use }) => use));
      gone.push(...(await other.clientSecrets.advance(fail)).map(() => 'client-secrets'));
      await sleep(100);
    }
    certificates.push(await certificateOf('after@example.org'));
    await sleep(500);
    isOver = true;
    const { faults, entries } = await loading;
    expect([logged.slice(0, 3), faults.slice(0, 3)]).toEqual([[], []]);
    expect(gone.sort()).toEqual(['certificates', 'client-secrets', 'ledger', 'webhooks']);
    expect((await stores.keys.derivedKey(client, 'blind-index')).equals(before)).toBe(false);

    const { keys, fault } = await chainOf(await other.ledger.keys.history(), known);
    expect(fault).toBeUndefined();
    const recent = await Promise.all([entry, entries[0], entries.at(-1)].map(proofOf));
    for (const proof of [old, ...recent]) expect(await faultOfProof(proof, keys)).toBeUndefined();
    expect(await faultOfProof(old, known)).toBeUndefined();
    for (const proof of recent) expect(await faultOfProof(proof, known)).toMatch('not signed by this key');
    const published = await other.erasure.signingKeys.publicKeys();
    const kids = certificates.map((text) => {
      const { protected: header } = JSON.parse(text) as { protected: string };
      return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
    });
    expect(kids).toEqual(published.map(({ kid }) => kid));
    for (const text of certificates) expect(await verifyCertificate(text, published)).toMatchObject({ client });
    expect(await other.webhooks.endpoint(client, endpoint.id)).toEqual({ url, secrets: [endpoint.secret] });

    for (const app of apps) await app.services.ledger.close();
    const { heads, forged } = await keptHeads(stores.keysSource, keys);
    const report = await verifyLedger(stores.regions.all(), { publicKey: keys, witnessed: heads, anchored: [] });
    expect([report.findings, forged]).toEqual([[], []]);
    expect(report.entries).toBeGreaterThan(entries.length);
    expect(apps.flatMap(({ internalErrors }) => internalErrors)).toEqual([]);
  }, 120_000);
});
