import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AccessFacts } from '../audit/recording/access-recorder';
import type { Governed } from '../governance/govern';
import type { TokenClaims } from '../identity/caller';
import type { RequestContext } from '../identity/request-context';
import type { TokenVerifier } from '../identity/tokens';
import type { Collect } from './export-downloads';
import type { IdempotencyKeys } from './idempotency/idempotency-keys';
import type { ServerLimits } from './limits';
import type { SignIn } from './playground';
import type { RateLimits } from './rate-limits';
import type { Watchdog } from './watchdog';
import type { Acknowledge } from './webhook-acknowledgements';

/** The contracts of the API: all of it, the part for client apps, the part for partners. */
export type Contract = 'api' | 'client-app' | 'partner';

export interface ServerOptions {
  /** The governed schema behind each contract. */
  readonly contracts: Readonly<Record<Contract, Governed>>;
  contractOf(claims: TokenClaims): Contract;
  readonly verifier: TokenVerifier;
  /**
   * Makes the context that resolvers get; its `access` is what the governance core decides on. Asked anew for each
   * event.
   */
  contextFor(claims: TokenClaims, purpose: string | undefined): Promise<RequestContext>;
  /** Executes a mutation once for each idempotency key; absent, keys are ignored. */
  readonly idempotency?: Pick<IdempotencyKeys, 'begin'>;
  /** Limits what callers ask for over time; absent, nothing does. */
  readonly rates?: Pick<RateLimits, 'take'>;
  /** Records each operation before its answer leaves; absent only in tests without a ledger. */
  readonly audit?: {
    /**
     * An operation has its turn, so that its entry will come.
     * @returns call it when the operation ends, or waits, with or without an entry
     */
    begin(): () => void;
    /** @throws {GraphQLError} AUDIT_UNAVAILABLE */
    record(facts: AccessFacts): Promise<void>;
  };
  /** Takes recipients' acknowledgements of webhooks; absent, the path does not exist. */
  readonly acknowledge?: Acknowledge;
  /** Opens exports for download; absent, the path does not exist. */
  readonly collect?: Collect;
  /** Adds the modules' metrics to the server's own. */
  readonly measure?: (registry: Registry) => void;
  /** The metrics of all processes of the server, in Prometheus' text format; absent, this is the only process. */
  readonly metricsOfAll?: () => Promise<string>;
  /** Origins whose pages may call `/graphql`, as browsers write them. Default: none. */
  readonly allowedOrigins?: readonly string[];
  /** The server's public origin, where the Host header differs from it. */
  readonly publicOrigin?: string | undefined;
  /** Which answers are compressed. Default: those that reach no personal data. */
  readonly compression?: 'impersonal' | 'all' | 'none';
  /** Why the server cannot serve; empty where it is ready. */
  ready(): Promise<readonly string[]>;
  /** For how long no background task has ended, in milliseconds. */
  readonly backgroundIdleMs?: () => number;
  /** Whether operations wait for connections to a database. */
  readonly databaseIsBusy?: () => boolean;
  /** Gets what knows whether this process is wedged, as `/healthz` says. */
  readonly watched?: (watchdog: Watchdog) => void;
  /** Warnings for an operator; asked where the server is ready. */
  readonly concerns?: () => Promise<readonly string[]>;
  /** Aborted when the server is about to close: `/readyz` then says so, while it goes on serving until `close`. */
  readonly leaving?: AbortSignal;
  /** Made by `createLogger`. */
  readonly logger: Logger;
  readonly production: boolean;
  /** How people sign in at the issuer; absent, they bring a token. */
  readonly signIn?: (() => Promise<SignIn>) | undefined;
  /** The directory of the built playground. Default: `dist/playground`. */
  readonly playgroundDirectory?: string;
  /** Omitted limits have their defaults. */
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Proxies whose `X-Forwarded-For` is believed. Default: none. */
  readonly trustedProxies?: readonly string[] | undefined;
}
