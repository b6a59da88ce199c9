import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuid, validate } from 'uuid';
import { type ChangeRecorder, changing, unrecorded } from '../identity/change-recorder';
import { requireCountry, requireText } from '../identity/checks';
import type { GovernanceRecords } from '../identity/governance-records';
import { bumpPolicy } from '../identity/policy-version';
import { GranteeKind } from '../identity/purpose-grant';
import { denied } from '../identity/request-context';
import { clientRoles } from '../identity/roles';
import type { KeyStore } from '../keys/key-store';
import { statementDeletion } from '../law/deadlines';
import { decidedChange, decidedRow } from '../storage/decided-row';
import { failureOf } from '../storage/failures';
import { listText } from '../storage/lists';
import { type HostingRegion, isHostingRegion, type Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import { inSteps } from '../storage/write-outcome';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { acrossClients, limitOf, sql } from '../tenancy/tenant-sql';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { Agreement, type SignAgreementInput } from './agreement';
import { requireSlug } from './checks';
import type { Client, NameClientContactsInput, RegisterClientInput } from './client';
import { Client as ClientEntity } from './client';
import { ClientUser } from './client-user';

const columns = sql`client_id, slug, name, country, region, representative, data_protection_officer, created_at`;

/** The purposes that a new client's own people and apps are granted at first. */
const standingPurposes = ['SERVICE_DELIVERY', 'SECURITY', 'SUPPORT', 'IMPROVEMENT'] as const;

/** Clients, their users and their agreements. */
export class Clients {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #records: GovernanceRecords;
  readonly #recorder: ChangeRecorder;

  constructor(regions: Regions, keys: KeyStore, records: GovernanceRecords, recorder: ChangeRecorder = unrecorded) {
    this.#regions = regions;
    this.#keys = keys;
    this.#records = records;
    this.#recorder = recorder;
  }

  /** @param reference the client's id or slug */
  async find(reference: string): Promise<Client | undefined> {
    const column = validate(reference) ? sql`client_id` : sql`slug`;
    const [row] = await acrossClients(this.#regions.home).select<Row>`
      SELECT ${columns} FROM client WHERE ${column} = ${reference}`;
    return row && clientOf(row);
  }

  /** Clients in the order of their registration, after an id. */
  async list(limit: number, after: string | undefined): Promise<Client[]> {
    const rows = await acrossClients(this.#regions.home).select<Row>`
      SELECT ${columns} FROM client WHERE client_id > ${after ?? ''} ORDER BY client_id LIMIT ${limitOf(limit)}`;
    return rows.map(clientOf);
  }

  /**
   * Registers a client with its key and first grants for its own roles. LEGAL is for those who administer it.
   * @throws {GraphQLError} BAD_USER_INPUT, or CONFLICT where the slug is taken
   */
  async register(input: RegisterClientInput, principal: string): Promise<Client> {
    const slug = requireSlug(input.slug);
    if (await this.find(slug)) throw slugTaken();
    const country = input.country ? requireCountry('country', input.country) : null;
    const region = input.hostingRegion ?? null;
    const hosted = this.#hostedIn(region);
    const row = {
      id: uuid(),
      slug,
      name: requireText('name', input.name, 200),
      country,
      region,
      representative: null,
      dataProtectionOfficer: null,
      createdAt: new Date(),
    };
    const administrator = input.administrator && {
      name: requireText('name', input.administrator.name, 200),
      email: requireText('email', input.administrator.email, 320),
    };
    const details = { record: row.id, country, region, keyCreated: true };
    const standing = this.#records.draft({ client: row.id, principal }, standingGrants());
    // The ledger seals facts about a client under the client's key.
    await this.#keys.createClientKey(row.id, region ?? undefined);
    const decides = [decidedRow(ClientEntity, { ...row, clientId: row.id }), ...standing.decides];
    const change = { client: row.id, principal, details, decides };
    await changing(this.#recorder, 'CLIENT_REGISTERED', change, async () => {
      const addUser = administrator && (await this.#draftUser(row.id, administrator));
      const furnish = async (manager: EntityManager) => {
        await standing.write(manager);
        await addUser?.(manager);
      };
      const enter = (manager: EntityManager) =>
        new TenantWriter(manager, this.#keys).insert(ClientEntity, row.id, [row]);
      const { home } = this.#regions;
      // The directory's entry comes last: a client exists once everything that it needs is there.
      if (hosted !== home) {
        return inSteps(async () => {
          await inTransaction(hosted, furnish);
          await inTransaction(home, enter);
        });
      }
      await inTransaction(home, async (manager) => {
        await furnish(manager);
        await enter(manager);
      });
    }).catch((error: unknown) => {
      throw failureOf(error) === 'DUPLICATE' ? slugTaken() : error;
    });
    return { ...row, clientId: row.id };
  }

  /**
   * Sets the contacts that the record of processing names for a client.
   * @throws {GraphQLError} BAD_USER_INPUT, NOT_FOUND
   */
  async nameContacts(client: string, input: NameClientContactsInput, principal: string): Promise<Client> {
    const office = (field: keyof NameClientContactsInput) =>
      input[field]?.trim() ? requireText(field, input[field], 300) : null;
    const changes = {
      representative: office('representative'),
      dataProtectionOfficer: office('dataProtectionOfficer'),
    };
    const decides = [decidedChange(ClientEntity, { clientId: client }, changes)];
    const details = { record: client, representative: changes.representative !== null };
    const change = { client, principal, details, decides };
    await changing(this.#recorder, 'CLIENT_CONTACTS_NAMED', change, () =>
      inTransaction(this.#regions.home, (manager) =>
        new TenantWriter(manager, this.#keys).update(ClientEntity, client, {}, changes),
      ),
    );
    const named = await this.find(client);
    if (!named) throw denied.notFound('client');
    return named;
  }

  async sign(client: string, input: SignAgreementInput, principal: string): Promise<Agreement> {
    const effectiveFrom = input.effectiveFrom ?? new Date();
    const effectiveTo = input.effectiveTo ?? null;
    if (effectiveTo && effectiveTo <= effectiveFrom) throw denied.input('"effectiveTo" must be after "effectiveFrom".');
    const row = {
      id: uuid(),
      kind: input.kind,
      version: requireText('version', input.version, 40),
      effectiveFrom,
      effectiveTo,
      excludedPurposes: input.excludedPurposes ?? [],
      erasureDays: requireErasureDays(input.erasureDays ?? null),
      keepsDeidentified: input.keepsDeidentified ? 1 : 0,
      signedBy: principal,
      signedAt: new Date(),
    };
    const { id, kind, version } = row;
    const excludedPurposes = listText(row.excludedPurposes);
    const details = { record: id, kind, version, excludedPurposes, effectiveFrom: effectiveFrom.toISOString() };
    const change = { client, principal, details, decides: [decidedRow(Agreement, row)] };
    const source = await this.#regions.of(client);
    await changing(this.#recorder, 'AGREEMENT_SIGNED', change, () =>
      inTransaction(source, async (manager) => {
        await new TenantWriter(manager, this.#keys).insert(Agreement, client, [row]);
        await bumpPolicy(manager, client);
      }),
    );
    return { ...row, clientId: client, keepsDeidentified: row.keepsDeidentified === 1 };
  }

  /** @param from a snapshot to read from */
  async agreements(client: string, from?: EntityManager): Promise<Agreement[]> {
    const rows = await new TenantReader(from ?? (await this.#regions.of(client)), this.#keys).select(Agreement, {
      client,
      fields: tableOf(Agreement).fields.keys(),
      orderBy: [{ field: 'id' }],
    });
    return rows.map(
      (row) =>
        ({
          ...row,
          keepsDeidentified: row.keepsDeidentified === 1,
          excludedPurposes: row.excludedPurposes ?? [],
        }) as unknown as Agreement,
    );
  }

  /** Users of a client; only the fields asked for are read. */
  async users(client: string, fields: Iterable<string>, limit: number, after: string | undefined): Promise<Row[]> {
    const where = after === undefined ? [] : [{ field: 'id', is: '>', value: after } as const];
    const reader = new TenantReader(await this.#regions.of(client), this.#keys);
    return reader.select(ClientUser, { client, fields, where, orderBy: [{ field: 'id' }], limit });
  }

  async #draftUser(client: string, administrator: { name: string; email: string }) {
    const id = uuid();
    await this.#keys.createSubjectKeys(client, [id]);
    const row = { ...administrator, id, role: 'CLIENT_ADMIN' };
    return (manager: EntityManager) => new TenantWriter(manager, this.#keys).insert(ClientUser, client, [row]);
  }

  #hostedIn(region: HostingRegion | null): DataSource {
    try {
      return this.#regions.at(region ?? undefined);
    } catch {
      throw denied.input(`This installation hosts nothing in ${region}; leave "hostingRegion" out or name another.`);
    }
  }
}

function standingGrants() {
  const reason = 'standing grant to the client’s own people and apps, given at registration';
  const grant = (role: string, purpose: (typeof standingPurposes)[number] | 'LEGAL') => ({
    granteeKind: GranteeKind.ROLE,
    grantee: role,
    purpose,
    reason,
  });
  return [
    ...clientRoles.flatMap((role) => standingPurposes.map((purpose) => grant(role, purpose))),
    grant('CLIENT_ADMIN', 'LEGAL'),
    grant('CLIENT_PRIVACY_OFFICER', 'LEGAL'),
  ];
}

const slugTaken = () => denied.conflict('There is a client of this "slug" already.');

function clientOf(row: Row): Client {
  const id = String(row.client_id);
  return {
    clientId: id,
    id,
    slug: String(row.slug),
    name: String(row.name),
    country: row.country === null ? null : String(row.country),
    region: isHostingRegion(row.region) ? row.region : null,
    representative: row.representative === null ? null : String(row.representative),
    dataProtectionOfficer: row.data_protection_officer === null ? null : String(row.data_protection_officer),
    createdAt: new Date(Number(row.created_at)),
  };
}

function requireErasureDays(days: number | null): number | null {
  const { days: most } = statementDeletion.period;
  if (days === null || (days >= 1 && days <= most)) return days;
  throw denied.input(`"erasureDays" must be 1 to ${most}: the statement promises ${most} (D2).`);
}
