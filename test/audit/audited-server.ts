import { PassThrough, Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { keptHeads } from '../../src/audit/log/checkpoint-store';
import { watchedVerifier } from '../../src/audit/recording/change-recorder';
import { type Verification, verifyLedger } from '../../src/audit/verification/verification';
import { contractOf } from '../../src/gateway/contracts';
import { createLogger } from '../../src/gateway/logging';
import { createServer } from '../../src/gateway/server';
import type { ProcessingPurpose } from '../../src/governance/vocabulary';
import type { TokenClaims } from '../../src/identity/caller';
import { InvalidTokenError } from '../../src/identity/token-errors';
import type { StoreConfig } from '../../src/stores';
import { type Asker, claimsOf, openTestApp, type TestApp } from '../support/app';
import type { TestDatabase } from '../support/databases';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: {
    readonly data?: Record<string, never> | null;
    readonly errors?: ReadonlyArray<{ readonly message: string; readonly extensions: Record<string, unknown> }>;
    readonly extensions?: { readonly governance: Record<string, unknown> };
  };
}

/** The whole product over HTTP; a token is what it claims. */
export interface AuditedServer {
  readonly app: TestApp;
  readonly http: FastifyInstance;
  /** Lines of the log so far. */
  log(): string[];
  post(
    asker: Asker | undefined,
    purpose: ProcessingPurpose | undefined,
    query: string,
    variables?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  verify(options?: { heads?: boolean }): Promise<Verification>;
  close(): Promise<void>;
}

export const tokenOf = (asker: Asker): string => Buffer.from(JSON.stringify(claimsOf(asker))).toString('base64url');

/** The HTTP server of an app. A token is what it claims. */
export function serverOf(app: TestApp, log: Writable = new PassThrough().resume()): Promise<FastifyInstance> {
  const verifier = {
    verify: async (bearer: string): Promise<TokenClaims> => {
      try {
        return { country: undefined, tenant: undefined, ...JSON.parse(Buffer.from(bearer, 'base64url').toString()) };
      } catch {
        throw new InvalidTokenError('The token is malformed.');
      }
    },
  };
  return createServer({
    contracts: app.contracts,
    contractOf,
    verifier: watchedVerifier(verifier, app.services.recorder),
    contextFor: (claims, purpose) => app.services.accessService.contextFor(claims, purpose),
    idempotency: app.idempotency,
    audit: app.services.accesses,
    collect: (context, id) => app.services.exports.collect(context, id),
    ready: async () => [],
    logger: createLogger({ level: 'info', destination: log }),
    production: false,
  });
}

export async function openAuditedServer(
  database: TestDatabase,
  regionalDatabaseUrls: StoreConfig['regionalDatabaseUrls'] = {},
): Promise<AuditedServer> {
  const app = await openTestApp(database, regionalDatabaseUrls);
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(...String(chunk).trim().split('\n'));
      done();
    },
  });
  const http = await serverOf(app, destination);
  return {
    app,
    http,
    log: () => lines,
    post: async (asker, purpose, query, variables = {}, headers = {}) => {
      const response = await http.inject({
        method: 'POST',
        url: '/graphql',
        headers: {
          'content-type': 'application/json',
          ...(asker ? { authorization: `Bearer ${tokenOf(asker)}` } : {}),
          ...(purpose ? { 'processing-purpose': purpose } : {}),
          ...headers,
        },
        payload: { query, variables },
      });
      const { statusCode: status, headers: given, body: text } = response;
      return { status, headers: given, text, body: response.json() };
    },
    verify: async ({ heads = true } = {}) => {
      const { publicKey } = await app.services.ledger.signer();
      const kept = heads ? (await keptHeads(app.stores.keysSource, publicKey)).heads : [];
      return verifyLedger(app.stores.regions.all(), { publicKey, witnessed: kept, anchored: [] });
    },
    close: async () => {
      await http.close();
      await app.services.recorder.close();
      await app.services.ledger.close();
      await app.close();
    },
  };
}

/** A client with customers; the words in them must never be found in the ledger. */
export async function fill(
  server: AuditedServer,
  slug: string,
  customers: number,
): Promise<{ id: string; ids: string[] }> {
  const { services } = server.app;
  const client = await services.clients.register(
    { slug, name: `CANARY-company-${slug}` },
    'CANARY-staff@platform.example',
  );
  const ids: string[] = [];
  for (let index = 0; index < customers; index++) {
    const input = {
      firstName: `CANARY-first-${index}`,
      lastName: `CANARY-last-${index}`,
      email: `canary-${slug}-${index}@example.org`,
      residency: 'DE',
    };
    ids.push(await services.customers.create(client.id, input, 'test'));
  }
  return { id: client.id, ids };
}
