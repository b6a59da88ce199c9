import { LRUCache } from 'lru-cache';
import type { Access } from '../governance/govern';
import { type AgreementKind, isPurpose } from '../governance/vocabulary';
import { ClientKeyError } from '../keys/errors';
import type { KeyStore } from '../keys/key-store';
import { covers, nextChangeOf, type Validity } from '../law/validity';
import { isIdShaped } from '../storage/ids';
import type { Regions } from '../storage/regions';
import { sideOf, type TokenClaims } from './caller';
import { policyVersions } from './policy-version';
import { recipientOf, type TransferRules } from './recipient';
import type { Prospect, RequestContext, RequestNotes } from './request-context';
import { noting } from './request-notes';
import { type Exclusion, type Permission, type Rights, rightsOf } from './rights';
import { rowRule } from './row-rule';

export interface ClientReference {
  readonly id: string;
  readonly slug: string;
}

/** The facts about one client that decisions need, at one version. */
export interface ClientPolicy {
  readonly permissions: readonly Permission[];
  readonly exclusions: readonly Exclusion[];
  readonly agreements: ReadonlyArray<Validity & { readonly kind: AgreementKind }>;
}

/** A third party as the register knows it: a partner's application, or a sub-processor. */
export interface RegisteredParty {
  readonly id: string;
  readonly country: string | null;
  /** The most scopes that it may use. null means those of its token. */
  readonly scopes: readonly string[] | null;
}

/** What modules above this one provide. */
export interface PolicySource {
  client(reference: string): Promise<ClientReference | undefined>;
  policy(clientId: string): Promise<ClientPolicy>;
  /** The party that a PARTNER or SUB_PROCESSOR token's `sub` names. */
  party(claims: TokenClaims): Promise<RegisteredParty | undefined>;
}

/**
 * Turns a verified token into what a request may do. Policies are cached by version: a change counts at the next
 * request.
 */
export class AccessService {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #source: PolicySource;
  readonly #transfers: TransferRules;
  readonly #now: () => number;
  readonly #clients = new LRUCache<string, ClientReference>({ max: 10_000 });
  readonly #policies = new LRUCache<string, { version: string; policy: ClientPolicy }>({ max: 10_000 });
  readonly #statuses = new WeakMap<TokenClaims, Status>();
  readonly #parties = new LRUCache<string, { version: number; party: RegisteredParty | undefined }>({ max: 10_000 });

  constructor(
    regions: Regions,
    keys: KeyStore,
    source: PolicySource,
    transfers: TransferRules,
    now: () => number = Date.now,
  ) {
    this.#regions = regions;
    this.#keys = keys;
    this.#source = source;
    this.#transfers = transfers;
    this.#now = now;
  }

  /**
   * @param token a verified token's claims. If its roles belong to several sides, none counts: a partner that is also
   * the client's app, or staff that could instruct itself, would have the rights of both (R1, S3).
   */
  async contextFor(token: TokenClaims, purpose: string | undefined): Promise<RequestContext> {
    const claims = sideOf(token.roles) === undefined ? { ...token, roles: [] } : token;
    const at = this.#now();
    const client = claims.tenant === undefined ? undefined : await this.#client(claims.tenant);
    const pseudonymKey = client && (await this.#pseudonymKey(client.id));
    const present = pseudonymKey ? client : undefined;
    // The version is read first: a policy may be newer than its label, never older.
    const versions = await policyVersions(this.#regions, present?.id);
    const version = `${versions.client}.${versions.register}`;
    const status = await this.#status(token, claims, present?.id, version, versions.register, at);
    const { rights, country, party } = status;
    const notes: RequestNotes = { subjects: new Set(), transferBases: new Set(), writes: [] };
    const recipient = recipientOf(claims, present?.id, party?.id);
    const transfers = await this.#transfers.checksFor({ client: present?.id, recipient, country, versions }, (basis) =>
      notes.transferBases.add(basis),
    );
    const accessFor = (wanted: string | undefined): Access => ({
      ...status.factsFor(wanted),
      forPurpose: accessFor,
      row: noting(rowRule(wanted, transfers(wanted)), notes),
      pseudonymKey,
    });
    const wouldBe = (wanted: string | undefined): Prospect => {
      const check = transfers(wanted);
      return { row: rowRule(wanted, check.quietly ?? check), named: check.named ?? nobody };
    };
    const { permissionsFor, instructedTo } = rights;
    return {
      claims,
      client: present,
      country,
      recipient,
      access: accessFor(purpose),
      accessFor,
      wouldBe,
      permissionsFor,
      instructedTo,
      notes,
      memory: new Map(),
    };
  }

  /**
   * A caller's status at a version. A token that is sent again is recognised by its object, while its check is cached.
   */
  async #status(
    token: TokenClaims,
    claims: TokenClaims,
    client: string | undefined,
    version: string,
    register: number,
    at: number,
  ): Promise<Status> {
    const known = this.#statuses.get(token);
    if (known && known.client === client && known.version === version && known.since <= at && at < known.until) {
      return known;
    }
    const policy = client === undefined ? nothing : await this.#policy(client, version);
    const party = await this.#party(claims, register);
    const status = statusOf(claims, policy, party, { client, version, at });
    this.#statuses.set(token, status);
    return status;
  }

  async #client(reference: string): Promise<ClientReference | undefined> {
    if (!isIdShaped(reference)) return undefined;
    const known = this.#clients.get(reference);
    if (known) return known;
    const found = await this.#source.client(reference);
    if (found) this.#clients.set(reference, found);
    return found;
  }

  async #policy(clientId: string, version: string): Promise<ClientPolicy> {
    const known = this.#policies.get(clientId);
    if (known?.version === version) return known.policy;
    const policy = await this.#source.policy(clientId);
    this.#policies.set(clientId, { version, policy });
    return policy;
  }

  async #party(claims: TokenClaims, version: number): Promise<RegisteredParty | undefined> {
    if (!isThirdParty(claims) || !isIdShaped(claims.subject)) return undefined;
    const key = `${claims.roles.join()} ${claims.subject}`;
    const known = this.#parties.get(key);
    if (known?.version === version) return known.party;
    const party = await this.#source.party(claims);
    this.#parties.set(key, { version, party });
    return party;
  }

  /** A client whose key is destroyed has nothing left to read. It does not exist any more. */
  async #pseudonymKey(clientId: string): Promise<Buffer | undefined> {
    try {
      return await this.#keys.derivedKey(clientId, 'pseudonym');
    } catch (error) {
      if (error instanceof ClientKeyError) return undefined;
      throw error;
    }
  }
}

const nobody: ReadonlySet<string> = new Set();

const nothing: ClientPolicy = { permissions: [], exclusions: [], agreements: [] };

const isThirdParty = ({ roles }: TokenClaims): boolean => {
  const side = sideOf(roles);
  return side === 'PARTNER' || side === 'SUB_PROCESSOR';
};

type Facts = Omit<Access, 'row' | 'pseudonymKey' | 'forPurpose'>;

/** What a caller may do at one policy version, until a grant or the like begins or ends. */
interface Status {
  readonly client: string | undefined;
  readonly version: string;
  readonly since: number;
  readonly until: number;
  readonly rights: Rights;
  readonly country: string | undefined;
  readonly party: RegisteredParty | undefined;
  /** The facts for a purpose. Always the same object, since decisions are cached by it. */
  factsFor(purpose: string | undefined): Facts;
}

function statusOf(
  claims: TokenClaims,
  policy: ClientPolicy,
  party: RegisteredParty | undefined,
  { client, version, at }: { client: string | undefined; version: string; at: number },
): Status {
  const rights = rightsOf(claims, policy.permissions, policy.exclusions, at);
  const { country, scopes } = residenceAndScopes(claims, party);
  const agreements = policy.agreements.filter((agreement) => covers(agreement, at)).map(({ kind }) => kind);
  const known = new Map<string | undefined, Facts>();
  const factsFor = (purpose: string | undefined): Facts => {
    const facts = known.get(purpose) ?? {
      basis: {},
      principal: claims.subject || undefined,
      purpose,
      grantedPurposes: rights.granted,
      scopes,
      agreements,
      prohibitions: rights.prohibitions(purpose),
      client,
      policyVersion: version,
    };
    // A document may state any text as purpose.
    if (isPurpose(purpose)) known.set(purpose, facts);
    return facts;
  };
  const until = nextChangeOf([...policy.permissions, ...policy.exclusions, ...policy.agreements], at);
  return { client, version, since: at, until, rights, country, party, factsFor };
}

/**
 * A third party's country and scopes come from the register. Its token may claim fewer scopes, never another country.
 */
function residenceAndScopes(
  claims: TokenClaims,
  party: RegisteredParty | undefined,
): { country: string | undefined; scopes: readonly string[] } {
  if (!isThirdParty(claims)) return { country: claims.country, scopes: claims.scopes };
  const limit = party?.scopes;
  const scopes =
    party === undefined ? [] : limit ? claims.scopes.filter((scope) => limit.includes(scope)) : claims.scopes;
  return { country: party?.country ?? undefined, scopes };
}
