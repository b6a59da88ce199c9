import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid, validate } from 'uuid';
import type { AuditKind } from '../identity/audit-kinds';
import { type Change, type ChangeRecorder, changing, unrecorded } from '../identity/change-recorder';
import { requireCountry, requireText } from '../identity/checks';
import type { GovernanceRecords } from '../identity/governance-records';
import { bumpPolicy, REGISTER } from '../identity/policy-version';
import { GranteeKind } from '../identity/purpose-grant';
import type { RecipientReference } from '../identity/recipient';
import { denied } from '../identity/request-context';
import type { KeyStore } from '../keys/key-store';
import { decidedRow } from '../storage/decided-row';
import { failureOf } from '../storage/failures';
import type { Regions } from '../storage/regions';
import { committed, inTransaction } from '../storage/transaction';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { announceWithin, type Draft, ofApplication, ofSubProcessor } from './announcements';
import type { CertificationInput } from './certification';
import { Certifications } from './certifications';
import { requireScopes, requireSlug } from './checks';
import { Installation, type InstallThirdPartyApplicationInput } from './installation';
import { type RegisterSubProcessorInput, SubProcessor } from './sub-processor';
import { type RegisterThirdPartyApplicationInput, ThirdPartyApplication } from './third-party-application';

/** A change of an entry: its ledger entry, and its announcement. */
interface RegisterChange extends Pick<Change, 'principal' | 'details'> {
  readonly kind: AuditKind;
  readonly announced: Draft | undefined;
}

/** Sub-processors, third-party applications and their installations. */
export class ThirdParties {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #records: GovernanceRecords;
  readonly #recorder: ChangeRecorder;
  readonly #certifications: Certifications;

  constructor(regions: Regions, keys: KeyStore, records: GovernanceRecords, recorder: ChangeRecorder = unrecorded) {
    this.#regions = regions;
    this.#keys = keys;
    this.#records = records;
    this.#recorder = recorder;
    this.#certifications = new Certifications(regions, recorder);
  }

  /** @param from a snapshot to read from */
  subProcessors(from: DataSource | EntityManager = this.#regions.home): Promise<SubProcessor[]> {
    return committed(from, () => from.getRepository(SubProcessor).find({ order: { name: 'ASC', id: 'ASC' } }));
  }

  /** @param from a snapshot to read from */
  applications(from: DataSource | EntityManager = this.#regions.home): Promise<ThirdPartyApplication[]> {
    return committed(from, () => from.getRepository(ThirdPartyApplication).find({ order: { name: 'ASC', id: 'ASC' } }));
  }

  /** @param reference an application's id or slug */
  application(reference: string): Promise<ThirdPartyApplication | null> {
    const { home } = this.#regions;
    const where = validate(reference) ? { id: reference } : { slug: reference };
    return committed(home, () => home.getRepository(ThirdPartyApplication).findOneBy(where));
  }

  /** @param reference a sub-processor's id or slug */
  subProcessor(reference: string): Promise<SubProcessor | null> {
    const { home } = this.#regions;
    const where = validate(reference) ? { id: reference } : { slug: reference };
    return committed(home, () => home.getRepository(SubProcessor).findOneBy(where));
  }

  /** Registers a sub-processor, or new terms of a registered one. */
  async registerSubProcessor(input: RegisterSubProcessorInput, principal = 'platform'): Promise<SubProcessor> {
    const known = await this.subProcessor(requireSlug(input.slug));
    const entry: SubProcessor = {
      id: known?.id ?? uuid(),
      slug: input.slug,
      name: requireText('name', input.name, 200),
      service: requireText('service', input.service, 500),
      country: requireCountry('country', input.country),
      purposes: [...new Set(input.purposes)],
      categories: [...new Set(input.categories)],
      engagedFrom: (input.engagedFrom ?? new Date(known?.engagedFrom ?? Date.now())).getTime(),
      engagedTo: input.engagedTo?.getTime() ?? null,
    };
    if (entry.engagedTo !== null && entry.engagedTo <= entry.engagedFrom) {
      throw denied.input('"engagedTo" must be after "engagedFrom".');
    }
    const { id, slug, country, purposes, categories } = entry;
    const details = { record: id, slug, country, purposes: purposes.join(), categories: categories.join() };
    const recipient = { kind: 'SUB_PROCESSOR', id } as const;
    const change = { kind: 'SUB_PROCESSOR_REGISTERED', principal, details } as const;
    const announced = ofSubProcessor(known, entry);
    await this.#save(SubProcessor, entry, { ...change, announced }, recipient, input.certifications);
    return entry;
  }

  /** Registers an application, or its new terms. A new privacy notice suspends installations until it is accepted. */
  async registerApplication(
    input: RegisterThirdPartyApplicationInput,
    principal = 'platform',
  ): Promise<ThirdPartyApplication> {
    const known = await this.application(requireSlug(input.slug));
    const entry: ThirdPartyApplication = {
      id: known?.id ?? uuid(),
      slug: input.slug,
      name: requireText('name', input.name, 200),
      publisher: requireText('publisher', input.publisher, 200),
      country: requireCountry('country', input.country),
      scopes: requireScopes(input.scopes),
      privacyNoticeVersion: requireText('privacyNoticeVersion', input.privacyNoticeVersion, 40),
      ...requireNotice(input),
    };
    requireOwnVersion(known, entry);
    const { id, slug, country, scopes, privacyNoticeVersion } = entry;
    const details = { record: id, slug, country, scopes: scopes.join(' '), privacyNoticeVersion };
    const change = { kind: 'APPLICATION_REGISTERED', principal, details } as const;
    const announced = ofApplication(known, entry);
    const recipient = { kind: 'APPLICATION', id } as const;
    await this.#save(ThirdPartyApplication, entry, { ...change, announced }, recipient, input.certifications);
    return entry;
  }

  /**
   * Installs an application at a client and grants it purposes. Installing again accepts a new notice. Earlier grants
   * are withdrawn: only the purposes named last count.
   * @throws {GraphQLError} NOT_FOUND, or PRIVACY_NOTICE_NOT_ACCEPTED naming the current version
   */
  async install(client: string, input: InstallThirdPartyApplicationInput, principal: string): Promise<Installation> {
    const application = await this.application(input.applicationId);
    if (!application) throw denied.notFound('third-party application');
    if (input.acceptedNoticeVersion !== application.privacyNoticeVersion) {
      throw denied.notice(application.privacyNoticeVersion, application.privacyNoticeUrl);
    }
    const known = (await this.installations(client)).find(({ applicationId }) => applicationId === application.id);
    const row = {
      id: known?.id ?? uuid(),
      applicationId: application.id,
      acceptedNoticeVersion: input.acceptedNoticeVersion,
      installedBy: principal,
      installedAt: new Date(),
    };
    const reason = `installed with privacy notice ${input.acceptedNoticeVersion}`;
    const details = {
      record: row.id,
      application: application.id,
      acceptedNoticeVersion: row.acceptedNoticeVersion,
      purposes: input.purposes.join(),
      categories: input.categories?.join() ?? null,
    };
    const withdrawn = await this.#records.draftWithdrawal(client, application.id, 'replaced by a new installation');
    const granted = this.#records.draft(
      { client, principal },
      [...new Set(input.purposes)].map((purpose) => ({
        granteeKind: GranteeKind.APPLICATION,
        grantee: application.id,
        purpose,
        categories: input.categories,
        reason,
      })),
    );
    const decides = [decidedRow(Installation, row), ...withdrawn.decides, ...granted.decides];
    const source = await this.#regions.of(client);
    await changing(this.#recorder, 'APPLICATION_INSTALLED', { client, principal, details, decides }, () =>
      inTransaction(source, async (manager) => {
        const writer = new TenantWriter(manager, this.#keys);
        if (known) await writer.update(Installation, client, { id: row.id }, row);
        else await writer.insert(Installation, client, [row]);
        await withdrawn.write(manager);
        await granted.write(manager);
      }),
    ).catch(registeredMeanwhile);
    return { ...row, clientId: client, application, inForce: true };
  }

  async installations(client: string): Promise<Installation[]> {
    const rows = await this.#installed(client, await this.#regions.of(client));
    if (rows.length === 0) return [];
    const byId = new Map((await this.applications()).map((application) => [application.id, application]));
    return rows.flatMap((row) => {
      const application = byId.get(String(row.applicationId));
      if (!application) return [];
      const inForce = row.acceptedNoticeVersion === application.privacyNoticeVersion;
      return { ...row, application, inForce } as unknown as Installation;
    });
  }

  /** The privacy notice that a client accepted last of each application that it has installed, by application. */
  async accepted(client: string, from: EntityManager): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#installed(client, from);
    return new Map(rows.map((row) => [String(row.applicationId), String(row.acceptedNoticeVersion)]));
  }

  #installed(client: string, from: DataSource | EntityManager): Promise<Row[]> {
    return new TenantReader(from, this.#keys).select(Installation, {
      client,
      fields: tableOf(Installation).fields.keys(),
      orderBy: [{ field: 'id' }],
    });
  }

  async #save<T extends SubProcessor | ThirdPartyApplication>(
    entity: new () => T,
    entry: T,
    { kind, principal, details, announced }: RegisterChange,
    recipient: RecipientReference,
    certifications: readonly CertificationInput[] | null | undefined,
  ): Promise<void> {
    const certified = certifications ? await this.#certifications.draft(recipient, certifications) : undefined;
    const decides = [decidedRow(entity, entry), ...(certified?.decides ?? [])];
    const change = { principal, details: { ...details, ...certified?.details }, decides };
    await changing(this.#recorder, kind, change, () =>
      inTransaction(this.#regions.home, async (manager) => {
        await manager.getRepository(entity).save({ ...entry });
        await certified?.write(manager);
        if (announced) await announceWithin(manager, announced);
        await bumpPolicy(manager, REGISTER);
      }),
    ).catch(registeredMeanwhile);
  }
}

/** A version alone does not say what is accepted, so the notice's text or address must be given. */
function requireNotice(input: RegisterThirdPartyApplicationInput) {
  const { privacyNoticeUrl: url, privacyNoticeText: text } = input;
  if (!url && !text) throw denied.input('"privacyNoticeUrl" or "privacyNoticeText" must say what is accepted.');
  if (url && !(URL.canParse(url) && new URL(url).protocol === 'https:' && url.length <= 1000)) {
    throw denied.input('"privacyNoticeUrl" must be an https URL of up to 1000 characters.');
  }
  return {
    privacyNoticeUrl: url || null,
    privacyNoticeText: text ? requireText('privacyNoticeText', text, 8000) : null,
  };
}

/** A published version of a notice cannot change: clients have accepted it. */
function requireOwnVersion(known: ThirdPartyApplication | null, entry: ThirdPartyApplication): void {
  const { privacyNoticeVersion: version, privacyNoticeText: before } = known ?? {};
  if (version !== entry.privacyNoticeVersion || !before || before === entry.privacyNoticeText) return;
  throw denied.input('"privacyNoticeText" is another than this version has: give it a version of its own.');
}

function registeredMeanwhile(error: unknown): never {
  throw failureOf(error) === 'DUPLICATE'
    ? denied.conflict('Another request has just made this entry; read it and try again.')
    : error;
}
