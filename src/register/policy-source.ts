import type { ClientPolicy, ClientReference, PolicySource, RegisteredParty } from '../identity/access-service';
import { sideOf, type TokenClaims } from '../identity/caller';
import type { GovernanceRecords } from '../identity/governance-records';
import type { Permission } from '../identity/rights';
import { type Validity, validUntil } from '../law/validity';
import type { Agreement } from './agreement';
import type { Clients } from './clients';
import type { SubProcessor } from './sub-processor';
import type { ThirdParties } from './third-parties';

/** Gives the access service the register's agreements, installations and sub-processors, as permissions and limits. */
export class RegisterPolicySource implements PolicySource {
  constructor(
    private readonly clients: Clients,
    private readonly parties: ThirdParties,
    private readonly records: GovernanceRecords,
  ) {}

  client(reference: string): Promise<ClientReference | undefined> {
    return this.clients.find(reference);
  }

  async policy(clientId: string): Promise<ClientPolicy> {
    const [agreements, installations, subProcessors] = await Promise.all([
      this.clients.agreements(clientId),
      this.parties.installations(clientId),
      this.parties.subProcessors(),
    ]);
    const installed = installations.filter(({ inForce }) => inForce);
    const permissions = await this.records.permissions(clientId, (id, principal) =>
      installed.some(
        ({ application }) => application.id === id && (principal === id || principal === application.slug),
      ),
    );
    return {
      permissions: [...permissions, ...subProcessors.map(permissionOf)],
      exclusions: agreements.map((agreement) => ({
        ...validity(agreement),
        title: `agreement ${agreement.kind} ${agreement.version}`,
        purposes: agreement.excludedPurposes,
      })),
      agreements: agreements.map((agreement) => ({ ...validity(agreement), kind: agreement.kind })),
    };
  }

  async party({ roles, subject }: TokenClaims): Promise<RegisteredParty | undefined> {
    if (sideOf(roles) === 'PARTNER') return (await this.parties.application(subject)) ?? undefined;
    // Whether it is engaged is checked on each request, with its purposes.
    const subProcessor = await this.parties.subProcessor(subject);
    return subProcessor ? { id: subProcessor.id, country: subProcessor.country, scopes: null } : undefined;
  }
}

const validity = ({ effectiveFrom, effectiveTo }: Agreement): Validity =>
  validUntil(effectiveFrom.getTime(), effectiveTo?.getTime());

/** The register's entry is the client's general authorisation of the sub-processor (GDPR Art. 28(2), statement S2). */
function permissionOf(subProcessor: SubProcessor): Permission {
  const { id, slug, purposes, categories, engagedFrom, engagedTo } = subProcessor;
  return {
    ...validUntil(engagedFrom, engagedTo),
    title: `sub-processor ${slug}`,
    purposes,
    categories,
    covers: ({ roles, subject }) => sideOf(roles) === 'SUB_PROCESSOR' && (subject === id || subject === slug),
  };
}
