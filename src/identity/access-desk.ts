import { LRUCache } from 'lru-cache';
import type { Access } from '../governance/govern';
import type { AgreementKind } from '../governance/vocabulary';
import { ClientKeyError } from '../storage/errors';
import type { KeyStore } from '../storage/key-store';
import type { Regions } from '../storage/regions';
import { sideOf, type TokenClaims } from './caller';
import { isInForce, type Validity } from './in-force';
import { policyVersions } from './policy-version';
import { recipientOf, type TransferRules } from './recipient';
import type { RequestContext } from './request-context';
import { notesOf, noting } from './request-notes';
import { type Exclusion, type Permission, rightsOf } from './rights';
import { rowRule } from './subject-state';

export interface ClientReference {
  readonly id: string;
  readonly slug: string;
}

/** Everything about one client that decisions rest on, as of one version. */
export interface ClientPolicy {
  readonly permissions: readonly Permission[];
  readonly exclusions: readonly Exclusion[];
  readonly agreements: ReadonlyArray<Validity & { readonly kind: AgreementKind }>;
}

/** A third party as the register knows it: a partner's application, or a sub-processor. */
export interface RegisteredParty {
  readonly id: string;
  readonly country: string | null;
  /** Scopes it may use at most; null leaves the token's. */
  readonly scopes: readonly string[] | null;
}

/** What the desk has to be told by the rooms above. */
export interface PolicySource {
  client(reference: string): Promise<ClientReference | undefined>;
  policy(clientId: string): Promise<ClientPolicy>;
  /** The party that a PARTNER or SUB_PROCESSOR token's `sub` names. */
  party(claims: TokenClaims): Promise<RegisteredParty | undefined>;
}

/** Turns a verified token into what a request may do. Policies are kept by version: a change stops the next request. */
export class AccessDesk {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #source: PolicySource;
  readonly #transfers: TransferRules;
  readonly #now: () => number;
  readonly #clients = new LRUCache<string, ClientReference>({ max: 10_000 });
  readonly #policies = new LRUCache<string, { version: string; policy: ClientPolicy }>({ max: 10_000 });
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
   * @param token a verified token's claims. Where its roles stand on several sides it has none of them: a partner that is
   * also the client's app, or staff that could instruct itself, would have the rights of both (R1, S3).
   */
  async contextFor(token: TokenClaims, purpose: string | undefined): Promise<RequestContext> {
    const claims = sideOf(token.roles) === undefined ? { ...token, roles: [] } : token;
    const at = this.#now();
    const client = claims.tenant === undefined ? undefined : await this.#client(claims.tenant);
    const pseudonymKey = client && (await this.#pseudonymKey(client.id));
    const present = pseudonymKey ? client : undefined;
    // The version is read before what it labels: a policy may be newer than its label, never older.
    const versions = await policyVersions(this.#regions, present?.id);
    const version = `${versions.client}.${versions.register}`;
    const policy = present ? await this.#policy(present.id, version) : nothing;
    const party = await this.#party(claims, versions.register);
    const rights = rightsOf(claims, policy.permissions, policy.exclusions, at);
    const { country, scopes } = standing(claims, party);
    const agreements = policy.agreements.filter((agreement) => isInForce(agreement, at)).map(({ kind }) => kind);
    const memory = new Map<unknown, unknown>();
    const notes = notesOf({ memory });
    const recipient = recipientOf(claims, present?.id, party?.id);
    const transfers = await this.#transfers.checksFor({ client: present?.id, recipient, country, versions }, (basis) =>
      notes.transferBases.add(basis),
    );
    const accessFor = (wanted: string | undefined): Access => ({
      principal: claims.subject || undefined,
      purpose: wanted,
      forPurpose: accessFor,
      grantedPurposes: rights.granted,
      scopes,
      agreements,
      prohibitions: rights.prohibitions(wanted),
      row: noting(rowRule(wanted, transfers(wanted)), notes),
      pseudonymKey,
      client: present?.id,
      policyVersion: version,
    });
    const { permissionsFor } = rights;
    return {
      claims,
      client: present,
      country,
      recipient,
      access: accessFor(purpose),
      accessFor,
      permissionsFor,
      memory,
    };
  }

  async #client(reference: string): Promise<ClientReference | undefined> {
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
    if (!isThirdParty(claims)) return undefined;
    const key = `${claims.roles.join()} ${claims.subject}`;
    const known = this.#parties.get(key);
    if (known?.version === version) return known.party;
    const party = await this.#source.party(claims);
    this.#parties.set(key, { version, party });
    return party;
  }

  /** A client whose key is gone has nothing left to read: it does not exist any more. */
  async #pseudonymKey(clientId: string): Promise<Buffer | undefined> {
    try {
      return await this.#keys.derivedKey(clientId, 'pseudonym');
    } catch (error) {
      if (error instanceof ClientKeyError) return undefined;
      throw error;
    }
  }
}

const nothing: ClientPolicy = { permissions: [], exclusions: [], agreements: [] };

const isThirdParty = ({ roles }: TokenClaims): boolean => {
  const side = sideOf(roles);
  return side === 'PARTNER' || side === 'SUB_PROCESSOR';
};

/** A third party's country and scopes come from the register: its token may claim less, never more or elsewhere. */
function standing(
  claims: TokenClaims,
  party: RegisteredParty | undefined,
): { country: string | undefined; scopes: readonly string[] } {
  if (!isThirdParty(claims)) return { country: claims.country, scopes: claims.scopes };
  const limit = party?.scopes;
  const scopes =
    party === undefined ? [] : limit ? claims.scopes.filter((scope) => limit.includes(scope)) : claims.scopes;
  return { country: party?.country ?? undefined, scopes };
}
