import { EventEmitter, on } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { buildSchema, GraphQLObjectType } from 'graphql';
import type { JWTPayload } from 'jose';
import { createLogger } from '../../src/gateway/logging';
import { createServer } from '../../src/gateway/server';
import type { ServerOptions } from '../../src/gateway/server-options';
import { type Access, type Governed, govern, governanceTypeDefs } from '../../src/governance/govern';
import type { TokenClaims } from '../../src/identity/caller';
import type { RequestContext } from '../../src/identity/request-context';
import { createTokenVerifier } from '../../src/identity/tokens';
import { type Issuer, startIssuer } from '../identity/issuer';

/** Values that nobody in these tests may read anywhere: body, headers, log. */
export const canaries = { health: 'CANARY-health-7f3a', secret: 'CANARY-secret-91bc' };

const typeDefs = `${governanceTypeDefs}
  type Query {
    customers(first: Int = 10): [Customer!] @personalRows
    customer(id: ID!): Customer @personalRows
    greeting: String!
    slow(ms: Int!): String
    echo(text: Int): String
    broken: String
  }
  type Mutation { touch: String! linger(ms: Int!): String }
  type Subscription { changed: Customer @personalRows ticks: Int late: Int }
  type Customer {
    id: ID! @nonPersonal(because: "a number of the test's own")
    email: String @personalData(category: CONTACT) @purposes(allow: [SUPPORT]) @deidentify(for: [IMPROVEMENT], by: PARTIAL)
    health: String @personalData(category: HEALTH) @purposes(allow: [LEGAL]) @requiresAgreement(kind: HEALTH)
    visits: Int @personalData(category: USAGE) @purposes(allow: [SERVICE_DELIVERY, SECURITY, SUPPORT, LEGAL, IMPROVEMENT])
  }`;

const people = [
  { id: '1', email: 'ada@example.org', health: canaries.health },
  { id: '2', email: 'bob@example.org', health: canaries.health },
];

export interface Harness {
  readonly app: FastifyInstance;
  readonly issuer: Issuer;
  readonly url: string;
  /** Lines of the log so far. */
  log(): Record<string, unknown>[];
  /** Publishes an event to all subscriptions. */
  publish(): void;
  /** Subscriptions that hold their source now. */
  listeners(): number;
  /** How often `touch` ran. */
  touched: number;
  /** Purposes granted besides what tokens say; tests withdraw one. */
  grants: Set<string>;
  faults: string[];
  /** What looking up rights fails by, while it is set. */
  fault: Error | undefined;
  token(claims?: JWTPayload): Promise<string>;
  post(body: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: {
    data?: Record<string, unknown> | null;
    errors?: { message: string; path?: unknown; extensions: Record<string, unknown> }[];
    extensions?: { governance: Record<string, unknown> };
  };
}

/** The whole server on loopback, over a small governed schema and a real issuer. */
export async function startServer(overrides: Partial<ServerOptions> = {}): Promise<Harness> {
  const issuer = await startIssuer();
  const changes = new EventEmitter().setMaxListeners(0);
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(...String(chunk).trim().split('\n'));
      done();
    },
  });
  const logger = createLogger({ level: 'debug', destination });
  const governed = governTestSchema();
  const partner = govern(buildSchema(`${governanceTypeDefs} type Query { partnerGreeting: String }`), {
    ungoverned: true,
  });
  const app = await createServer({
    contracts: { api: governed, 'client-app': governed, partner },
    contractOf: ({ roles }) => (roles.includes('PARTNER') ? 'partner' : 'api'),
    verifier: createTokenVerifier({ issuer: issuer.url, production: true }),
    contextFor: async (claims, purpose) => {
      if (harness.fault) throw harness.fault;
      return contextOf(claims, purpose);
    },
    ready: async () => harness.faults,
    logger,
    production: true,
    ...overrides,
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const harness: Harness = {
    app,
    issuer,
    url,
    log: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    publish: () => void changes.emit('changed', people[0]),
    listeners: () => changes.listenerCount('changed'),
    touched: 0,
    grants: new Set(['SUPPORT', 'LEGAL', 'IMPROVEMENT']),
    faults: [],
    fault: undefined,
    token: (claims = {}) =>
      issuer.sign({
        sub: 'mara',
        tenant: 'northwind',
        roles: ['CLIENT_AGENT'],
        scope: 'purpose:SUPPORT purpose:LEGAL purpose:IMPROVEMENT',
        ...claims,
      }),
    post: (body, headers) =>
      send(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async close() {
      await app.close();
      await issuer.close();
    },
  };
  return harness;

  function governTestSchema(): Governed {
    const schema = buildSchema(typeDefs);
    const resolvers: Record<string, Record<string, (source: unknown, args: Record<string, unknown>) => unknown>> = {
      Query: {
        customers: () => people,
        customer: (_, { id }) => people.find((person) => person.id === id),
        greeting: () => 'hello',
        slow: (_, { ms }) => new Promise((resolve) => void setTimeout(resolve, Number(ms), 'slept').unref()),
        echo: () => 'echoed',
        broken: () => {
          throw new Error(`${canaries.secret} stands in the message`);
        },
      },
      Mutation: {
        touch: () => {
          harness.touched++;
          return 'touched';
        },
        linger: (_, { ms }) => new Promise((resolve) => void setTimeout(resolve, Number(ms), 'stayed').unref()),
      },
    };
    for (const [type, fields] of Object.entries(resolvers)) {
      const object = schema.getType(type);
      if (!(object instanceof GraphQLObjectType)) throw new Error(`no type ${type}`);
      for (const [name, resolve] of Object.entries(fields)) {
        const field = object.getFields()[name];
        if (field) field.resolve = resolve;
      }
    }
    for (const name of ['changed', 'ticks', 'late']) {
      const field = schema.getSubscriptionType()?.getFields()[name];
      if (!field) continue;
      field.subscribe = async () => {
        if (name === 'late') await new Promise((resolve) => setTimeout(resolve, 200));
        return on(changes, 'changed');
      };
      field.resolve = (event) => (name === 'changed' ? (event as unknown[])[0] : 1);
    }
    return govern(schema, {
      pseudonymKey: 'per-access',
      onInternalError: (error) => logger.error({ err: error }, 'a resolver failed'),
      contextWith: (context, decision): RequestContext => ({ ...(context as RequestContext), decision }),
    });
  }

  function contextOf(claims: TokenClaims, purpose: string | undefined): RequestContext {
    const accessFor = (wanted: string | undefined): Access => ({
      principal: claims.subject || undefined,
      purpose: wanted,
      forPurpose: accessFor,
      grantedPurposes: claims.purposes.filter((name) => harness.grants.has(name)),
      scopes: claims.scopes,
      // A grant that covers the contact data for no purpose but SUPPORT.
      prohibitions:
        wanted === 'IMPROVEMENT' && claims.subject === 'narrow'
          ? [{ category: 'CONTACT', code: 'PURPOSE_NOT_GRANTED', rule: 'scope of grant 1' }]
          : [],
    });
    const client = claims.tenant === undefined ? undefined : { id: 'c1', slug: claims.tenant };
    const notes = { subjects: new Set<never>(), transferBases: new Set<string>() };
    return { claims, client, country: claims.country, access: accessFor(purpose), accessFor, notes, memory: new Map() };
  }
}

/** A request by Node's own client: fetch would join, drop or forbid the very headers that are tested. */
export function send(
  url: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /json/.test(response.headers['content-type'] ?? '');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson && text !== '' ? JSON.parse(text) : {},
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
