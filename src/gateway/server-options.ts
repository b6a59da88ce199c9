import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AccessFacts } from '../audit/access-recorder';
import type { Governed } from '../governance/govern';
import type { TokenClaims } from '../identity/caller';
import type { RequestContext } from '../identity/request-context';
import type { TokenVerifier } from '../identity/tokens';
import type { Collect } from './export-downloads';
import type { ServerLimits } from './limits';
import type { SignIn } from './playground';
import type { Acknowledge } from './webhook-acknowledgements';

/** What the API shows to whom: all of it, what client apps see, what partners see. */
export type Contract = 'api' | 'client-app' | 'partner';

export interface ServerOptions {
  /** The governed schema that each contract is served by. */
  readonly contracts: Readonly<Record<Contract, Governed>>;
  contractOf(claims: TokenClaims): Contract;
  readonly verifier: TokenVerifier;
  /** What resolvers see of a request; its `access` is what the governed executor decides on. Asked for each event anew. */
  contextFor(claims: TokenClaims, purpose: string | undefined): Promise<RequestContext>;
  /** Records each operation before its answer leaves; absent only where a test has no ledger. */
  readonly audit?: {
    /** An operation begins. @returns to be called when it ends, with or without an entry */
    begin(): () => void;
    /** @throws {GraphQLError} AUDIT_UNAVAILABLE */
    record(facts: AccessFacts): Promise<void>;
  };
  /** Takes recipients' acknowledgements of webhooks; absent, there is no path for them. */
  readonly acknowledge?: Acknowledge;
  /** Opens exports for those who may download them; absent, there is no path for them. */
  readonly collect?: Collect;
  /** Adds what rooms measure to the server's own metrics. */
  readonly measure?: (registry: Registry) => void;
  /** The metrics of all processes that serve together, in Prometheus' text format; absent, this is the only one. */
  readonly metricsOfAll?: () => Promise<string>;
  /** Origins whose pages may call `/graphql`, as browsers write them; none unless told. */
  readonly allowedOrigins?: readonly string[];
  /** How browsers see this server, where the Host header says otherwise. */
  readonly publicOrigin?: string | undefined;
  /** Which answers are compressed: those that reach no personal data unless told. */
  readonly compression?: 'impersonal' | 'all' | 'none';
  /** What keeps the server from working, in words; empty where it is ready. */
  ready(): Promise<readonly string[]>;
  /** What somebody ought to look at, though the server works all the same; asked where it is ready. */
  readonly concerns?: () => Promise<readonly string[]>;
  /** Aborted when the server is about to close: it says so by `/readyz`, and serves on until `close`. */
  readonly leaving?: AbortSignal;
  /** Made by `createLogger`. */
  readonly logger: Logger;
  readonly production: boolean;
  /** How people sign in at the issuer; absent, they bring a token along. */
  readonly signIn?: (() => Promise<SignIn>) | undefined;
  /** Where the built playground is; `dist/playground` unless told. */
  readonly playgroundDirectory?: string;
  /** What is left out has its default. */
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Addresses of proxies whose `X-Forwarded-For` is believed; none unless told. */
  readonly trustedProxies?: readonly string[] | undefined;
}
