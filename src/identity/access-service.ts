import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import type { Access } from '../governance/govern';
import { type AgreementKind, isPurpose } from '../governance/vocabulary';
import { ClientKeyError } from '../keys/errors';
import type { KeyStore } from '../keys/key-store';
import { covers, nextChangeOf, type Validity } from '../law/validity';
import { isIdShaped } from '../storage/ids';
import type { Regions } from '../storage/regions';
import { sideOf, type TokenClaims } from './caller';
import { type PolicyVersions, policyVersions, REGISTER } from './policy-version';
import { type RecipientReference, recipientOf, type TransferRules } from './recipient';
import type { Prospect, RequestContext, RequestNotes } from './request-context';
import { noting } from './request-notes';
import { type Exclusion, type Permission, type Rights, rightsOf } from './rights';
import { rowRule } from './row-rule';
import { VersionedFacts } from './versioned-facts';

export interface ClientReference {
  readonly id: string;
  readonly slug: string;
}

/** The facts about one client that decisions need. */
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

/** What the register says of third parties, for all clients. */
export interface RegisterFacts {
  /** What sub-processors may do, for every client. */
  readonly permissions: readonly Permission[];
  /** The party that a PARTNER or SUB_PROCESSOR token's `sub` names. */
  party(claims: TokenClaims): RegisteredParty | undefined;
  /** An application, with the privacy notice that counts. */
  application(id: string): { readonly slug: string; readonly privacyNoticeVersion: string } | undefined;
}

/** What modules above this one provide. The facts are read from a snapshot. */
export interface PolicySource {
  client(reference: string): Promise<ClientReference | undefined>;
  register(from: EntityManager): Promise<RegisterFacts>;
  /** A client's own facts, which make its policy under a register. */
  terms(from: EntityManager, clientId: string): Promise<(register: RegisterFacts) => ClientPolicy>;
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
  readonly #statuses = new WeakMap<TokenClaims, Status>();
  readonly #register: VersionedFacts<RegisterFacts>;
  readonly #terms: VersionedFacts<(register: RegisterFacts) => ClientPolicy>;
  /** A client's policy, by the facts that it was made of. */
  readonly #policies = new WeakMap<object, { register: RegisterFacts; policy: ClientPolicy }>();

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
    this.#register = new VersionedFacts(regions, (from) => source.register(from), 1);
    this.#terms = new VersionedFacts(regions, (from, client) => source.terms(from, client));
  }

  /**
   * @param token a verified token's claims. If its roles belong to several sides, none counts: a partner that is also
   * the client's app, or staff that could instruct itself, would have the rights of both (R1, S3).
   */
  async contextFor(token: TokenClaims, purpose: string | undefined): Promise<RequestContext> {
    const { tenant } = token;
    const at = this.#now();
    // What is at hand is not waited for: a caller who is known waits for the versions alone.
    const client = tenant === undefined ? undefined : (this.#clients.get(tenant) ?? (await this.#client(tenant)));
    const pseudonymKey = client && (this.#pseudonymKeyAtHand(client.id) ?? (await this.#pseudonymKey(client.id)));
    const present = pseudonymKey ? client : undefined;
    // The versions are read first: facts may be newer, never older.
    const versions = await policyVersions(this.#regions, present?.id);
    const label = labelOf(versions.client, versions.register);
    const status =
      this.#knownStatus(token, present?.id, label, at) ?? (await this.#status(token, present?.id, versions, at));
    const { claims, rights, country, recipient } = status;
    const notes: RequestNotes = { subjects: new Set(), transferBases: new Set(), writes: [] };
    const checks = this.#transfers.checksFor({ client: present?.id, recipient, country, versions }, (basis) =>
      notes.transferBases.add(basis),
    );
    const transfers = checks instanceof Promise ? await checks : checks;
    let latest: Access | undefined;
    const accessFor = (wanted: string | undefined): Access => {
      if (latest && latest.purpose === wanted) return latest;
      const row = noting(rowRule(wanted, transfers(wanted)), notes);
      latest = { ...status.factsFor(wanted), forPurpose: accessFor, row, pseudonymKey };
      return latest;
    };
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
      alike: `${status.alike} ${label}`,
      notes,
      memory: new Map(),
    };
  }

  /** A token that is sent again is recognised by its object, while its check is cached. */
  #knownStatus(token: TokenClaims, client: string | undefined, version: string, at: number): Status | undefined {
    const known = this.#statuses.get(token);
    const isCurrent = known?.client === client && known?.version === version;
    return known && isCurrent && known.since <= at && at < known.until ? known : undefined;
  }

  /** A caller's status at a version. */
  async #status(token: TokenClaims, client: string | undefined, versions: PolicyVersions, at: number): Promise<Status> {
    const claims = sideOf(token.roles) === undefined ? { ...token, roles: [] } : token;
    const [register, terms] = await Promise.all([
      this.#register.at(REGISTER, versions.register),
      client === undefined ? undefined : this.#terms.at(client, versions.client),
    ]);
    const policy = terms ? this.#policy(terms.facts, register.facts) : nothing;
    const party = isThirdParty(claims) && isIdShaped(claims.subject) ? register.facts.party(claims) : undefined;
    const version = labelOf(terms?.version ?? 0, register.version);
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

  #policy(terms: (register: RegisterFacts) => ClientPolicy, register: RegisterFacts): ClientPolicy {
    const known = this.#policies.get(terms);
    if (known?.register === register) return known.policy;
    const policy = terms(register);
    this.#policies.set(terms, { register, policy });
    return policy;
  }

  #pseudonymKeyAtHand(clientId: string): Buffer | undefined {
    return this.#keys.derivedKeysAtHand(clientId, 'pseudonym')?.current;
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

const labelOf = (client: number, register: number): string => `${client}.${register}`;

const nobody: ReadonlySet<string> = new Set();

const nothing: ClientPolicy = { permissions: [], exclusions: [], agreements: [] };

const isThirdParty = ({ roles }: TokenClaims): boolean => {
  const side = sideOf(roles);
  return side === 'PARTNER' || side === 'SUB_PROCESSOR';
};

type Facts = Omit<Access, 'row' | 'pseudonymKey' | 'forPurpose'>;

/** What a caller may do at one policy version, until a grant or the like begins or ends. */
interface Status {
  readonly claims: TokenClaims;
  readonly client: string | undefined;
  readonly version: string;
  readonly since: number;
  readonly until: number;
  readonly rights: Rights;
  readonly country: string | undefined;
  readonly recipient: RecipientReference | undefined;
  /** All that it follows from, without the principal's name. */
  readonly alike: string;
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
  const alike = JSON.stringify([client, version, until, party, rights.titles, agreements, likeOthers(claims)]);
  const recipient = recipientOf(claims, client, party?.id);
  return { claims, client, version, since: at, until, rights, country, recipient, alike, factsFor };
}

/** The claims that others may share. A third party is named by its subject, and nobody is like it. */
function likeOthers(claims: TokenClaims): Partial<TokenClaims> {
  if (isThirdParty(claims)) return claims;
  const { subject, expiresAt, ...others } = claims;
  return others;
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
