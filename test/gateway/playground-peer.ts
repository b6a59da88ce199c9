import type { IncomingHttpHeaders } from 'node:http';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance } from 'fastify';
import { buildSchema, type ExecutionResult, GraphQLError, graphql } from 'graphql';
import { makeHandler } from 'graphql-ws/use/@fastify/websocket';

interface GraphQLRequest {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/** A server with a `/graphql` that answers in the contract's shape and remembers what it was asked. */
export interface Peer {
  app: FastifyInstance;
  asked: { headers: IncomingHttpHeaders; body: GraphQLRequest }[];
  connections: unknown[];
}

const officerSchema = buildSchema(`
  enum ProcessingPurpose { SERVICE_DELIVERY SECURITY SUPPORT LEGAL IMPROVEMENT }
  enum Outcome { CLEAR DEIDENTIFIED WITHHELD }
  type Query {
    customers(first: Int!): CustomerConnection!
    explainAccess(operation: String!, operationName: String, purpose: ProcessingPurpose!): [CoordinateAccess!]!
  }
  type Subscription { customerChanged: Customer }
  type CustomerConnection { nodes: [Customer!]! }
  type Customer { id: ID! firstName: String lastName: String email: String residency: String orders(first: Int!): OrderConnection! }
  type OrderConnection { nodes: [Order!]! }
  type Order { total: Float placedAt: String }
  type CoordinateAccess { coordinate: String! outcome: Outcome! code: String rule: String method: String }
`);
const partnerSchema = buildSchema('type Query { partnerContract: String }');

const people = [
  { id: '0192f0c4-7a10', firstName: 'Luís', lastName: 'Gonçalves', email: 'luisg@example.br', residency: 'BR' },
  { id: '0192f0c4-7a11', firstName: 'Leonie', lastName: 'Köhler', email: 'leonekohler@example.de', residency: 'DE' },
];
const orders = { nodes: [{ total: 3.98, placedAt: '2026-02-11T00:00:00Z' }] };

const refusedNames = {
  outcome: 'WITHHELD',
  code: 'PURPOSE_NOT_PERMITTED',
  rule: '@purposes(allow: [SERVICE_DELIVERY, SUPPORT, LEGAL])',
};
const forImprovement = [
  { coordinate: 'Customer.id', outcome: 'DEIDENTIFIED', method: 'PSEUDONYM', rule: '@deidentify(for: [IMPROVEMENT])' },
  { coordinate: 'Customer.firstName', ...refusedNames },
  { coordinate: 'Customer.lastName', ...refusedNames },
  { coordinate: 'Customer.email', ...refusedNames },
  { coordinate: 'Customer.residency', outcome: 'CLEAR', rule: '@purposes' },
];

/** Starts nothing yet: the caller registers the playground and listens. */
export async function createPeer(): Promise<Peer> {
  const app = fastify();
  const peer: Peer = { app, asked: [], connections: [] };
  await app.register(websocket);
  const overSocket = makeHandler({
    schema: officerSchema,
    roots: { subscription: { customerChanged: changes } },
    onConnect: ({ connectionParams }) => {
      peer.connections.push(connectionParams);
      return true;
    },
  });
  app.get('/graphql', { websocket: true }, overSocket);
  app.post<{ Body: GraphQLRequest }>('/graphql', async ({ headers, body }) => {
    peer.asked.push({ headers, body });
    const purpose = String(headers['processing-purpose'] ?? '');
    const isPartner = rolesIn(headers.authorization).includes('PARTNER');
    return governed(
      purpose,
      body,
      await graphql({
        schema: isPartner ? partnerSchema : officerSchema,
        source: body.query,
        operationName: body.operationName,
        variableValues: body.variables,
        rootValue: { customers: customersFor(purpose), explainAccess: forImprovement },
      }),
    );
  });
  return peer;
}

/** A token with `claims`, signed by nobody: the playground only reads it, and this peer trusts it. */
export function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.c2lnbmVk`;
}

function rolesIn(authorization: string | undefined): string[] {
  const payload = authorization?.split('.')[1];
  return payload === undefined ? [] : JSON.parse(Buffer.from(payload, 'base64url').toString()).roles;
}

function customersFor(purpose: string) {
  if (purpose !== 'IMPROVEMENT') return { nodes: people.map((person) => ({ ...person, orders })) };
  return { nodes: people.map(({ residency }, index) => ({ id: `ps_${index}f3a9c1`, residency, orders })) };
}

function governed(purpose: string, { query }: GraphQLRequest, result: ExecutionResult): ExecutionResult {
  if (!query.includes('customers(')) return result;
  if (purpose === '') {
    return { errors: [new GraphQLError('State a purpose.', { extensions: { code: 'PURPOSE_REQUIRED' } })] };
  }
  const withheld = purpose === 'IMPROVEMENT' ? ['firstName', 'lastName', 'email'] : [];
  return {
    ...result,
    ...(withheld.length === 0 ? {} : { errors: withheld.map((field) => withheldError(field, purpose)) }),
    extensions: {
      governance: {
        purpose,
        decisionId: 'dec_7c1f0a',
        policyVersion: '2026-11-23.4',
        withheld: withheld.map((field) => `Customer.${field}`),
        deidentified: purpose === 'IMPROVEMENT' ? ['Customer.id'] : [],
        auditId: '0192f0c4-9b3e',
      },
    },
  };
}

function withheldError(field: string, purpose: string): GraphQLError {
  const { code, rule } = refusedNames;
  const pattern = ['customers', 'nodes', '@', field];
  return new GraphQLError(`Customer.${field} may not be read for ${purpose}.`, {
    path: ['customers', 'nodes', 0, field],
    extensions: { code, coordinate: `Customer.${field}`, purpose, rule, rows: people.length, pattern },
  });
}

async function* changes() {
  yield { customerChanged: people[0] };
  await new Promise(() => undefined);
}
