import type { EntityManager } from 'typeorm';
import type { ClientPolicy, ClientReference, PolicySource, RegisterFacts } from '../identity/access-service';
import { sideOf } from '../identity/caller';
import { type GovernanceRecords, permissionsOf } from '../identity/governance-records';
import type { Permission } from '../identity/rights';
import { heldSince, type Validity, validUntil } from '../law/validity';
import type { Regions } from '../storage/regions';
import { inSnapshot } from '../storage/snapshot';
import type { Agreement } from './agreement';
import type { Clients } from './clients';
import type { SubProcessor } from './sub-processor';
import type { ThirdParties } from './third-parties';

/** Gives the access service the register's agreements, installations and sub-processors, as permissions and limits. */
export class RegisterPolicySource implements PolicySource {
  constructor(
    private readonly regions: Regions,
    private readonly clients: Clients,
    private readonly parties: ThirdParties,
    private readonly records: GovernanceRecords,
  ) {}

  client(reference: string): Promise<ClientReference | undefined> {
    return this.clients.find(reference);
  }

  async register(from: EntityManager): Promise<RegisterFacts> {
    const applications = await this.parties.applications(from);
    const subProcessors = await this.parties.subProcessors(from);
    const application = new Map(applications.map((one) => [one.id, one]));
    const partners = byReference(applications);
    const processors = byReference(subProcessors);
    return {
      permissions: subProcessors.map(permissionOf),
      application: (id) => application.get(id),
      party: ({ roles, subject }) => {
        if (sideOf(roles) === 'PARTNER') return partners.get(subject);
        // Whether it is engaged is checked on each request, with its purposes.
        const processor = processors.get(subject);
        return processor && { id: processor.id, country: processor.country, scopes: null };
      },
    };
  }

  async terms(from: EntityManager, client: string): Promise<(register: RegisterFacts) => ClientPolicy> {
    const agreements = await this.clients.agreements(client, from);
    const accepted = await this.parties.accepted(client, from);
    const given = await this.records.standing(client, from);
    return (register) => {
      const isInstalled = (id: string, principal: string) => {
        const application = register.application(id);
        if (!application || accepted.get(id) !== application.privacyNoticeVersion) return false;
        return principal === id || principal === application.slug;
      };
      return {
        permissions: [...permissionsOf(given, isInstalled), ...register.permissions],
        exclusions: agreements.map((agreement) => ({
          ...restriction(agreement),
          title: `agreement ${agreement.kind} ${agreement.version}`,
          purposes: agreement.excludedPurposes,
        })),
        agreements: agreements.map((agreement) => ({ ...validity(agreement), kind: agreement.kind })),
      };
    };
  }

  /** A client's policy as it is now, for those who report on it. */
  async policy(client: string): Promise<ClientPolicy> {
    const register = await inSnapshot(this.regions.home, (from) => this.register(from));
    const terms = await inSnapshot(await this.regions.of(client), (from) => this.terms(from, client));
    return terms(register);
  }
}

/** Entries by id and by slug, as a token's `sub` may name them. */
const byReference = <T extends { readonly id: string; readonly slug: string }>(entries: readonly T[]) =>
  new Map([
    ...entries.map((entry) => [entry.slug, entry] as const),
    ...entries.map((entry) => [entry.id, entry] as const),
  ]);

const validity = ({ effectiveFrom, effectiveTo }: Agreement): Validity =>
  validUntil(effectiveFrom.getTime(), effectiveTo?.getTime());

/** A limit that was signed to hold at once does so whatever the clocks say; one for later comes by date. */
const restriction = (agreement: Agreement): Validity => {
  const { from, to } = validity(agreement);
  return { from: heldSince(from, agreement.signedAt.getTime()), to };
};

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
