import { isIP } from 'node:net';
import countries from 'i18n-iso-countries';
import { v7 as uuid } from 'uuid';
import { type ChangeRecorder, unrecorded } from '../identity/change-recorder';
import { denied } from '../identity/request-context';
import { about } from '../identity/subject-state';
import type { KeyStore } from '../storage/key-store';
import type { Regions } from '../storage/regions';
import { type Condition, type Row, TenantReader } from '../storage/tenant-reader';
import { TenantWriter } from '../storage/tenant-writer';
import type { Tombstones } from '../storage/tombstones';
import { inTransaction, isDuplicate } from '../storage/transaction';
import { type BlindIndexKind, soughtIndexes } from '../storage/vault';
import { CustomAttribute } from './custom-attribute';
import { Customer, type RestrictionGround } from './customer';
import type {
  AttributeInput,
  CreateCustomerInput,
  CustomerFilter,
  CustomerLookup,
  UpdateCustomerInput,
} from './customer-inputs';
import { erasedIdentifiers, type IdentifierChange, identifierFields, identifying } from './identifiers';
import { requireNotUnderErasure } from './writable';

/** What every read of a customer needs to decide on the row, whatever was asked for. */
const state = ['restriction', 'residency'];
const statedFields = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

/** Only what is read of every customer. */
const none: ReadonlySet<string> = new Set();

function withState(fields: ReadonlySet<string>): ReadonlySet<string> {
  const known = statedFields.get(fields);
  if (known) return known;
  const stated = new Set([...fields, ...state]);
  statedFields.set(fields, stated);
  return stated;
}

/** The customers of clients: read by permission, written sealed. */
export class Customers {
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #recorder: ChangeRecorder;
  readonly #tombstones: Tombstones | undefined;

  constructor(regions: Regions, keys: KeyStore, recorder: ChangeRecorder = unrecorded, tombstones?: Tombstones) {
    this.#regions = regions;
    this.#keys = keys;
    this.#recorder = recorder;
    this.#tombstones = tombstones;
  }

  /** @param fields those that may be read; others are not fetched */
  async find(client: string, id: string, fields: ReadonlySet<string>): Promise<Customer | undefined> {
    if (id === '') return undefined;
    const [customer] = await this.#select(client, fields, [{ field: 'id', is: '=', value: id }], 1);
    return customer;
  }

  /**
   * All who share an identifier in any spelling, in the order in which they came. Nobody is found by a placeholder.
   * @throws {GraphQLError} BAD_USER_INPUT unless exactly one look-up is given
   */
  async lookup(client: string, by: CustomerLookup, fields: ReadonlySet<string>, limit: number): Promise<Customer[]> {
    const given = Object.entries(by).filter(([, value]) => value !== null && value !== undefined) as Array<
      [BlindIndexKind, string]
    >;
    const [only, another] = given;
    if (!only || another) throw denied.input('"by" takes exactly one of email, phone, socialHandle and externalId.');
    const [kind, value] = only;
    const digests = soughtIndexes(await this.#keys.derivedKey(client, 'blind-index'), { kind, value });
    if (digests.length === 0) return [];
    return this.#select(client, fields, [{ index: kind, is: 'in', value: digests }], limit);
  }

  /** Customers in the order in which they came, from after an id. */
  list(
    client: string,
    filter: CustomerFilter | null | undefined,
    limit: number,
    after: string | undefined,
    fields: ReadonlySet<string>,
  ): Promise<Customer[]> {
    const where: Condition[] = after === undefined ? [] : [{ field: 'id', is: '>', value: after }];
    for (const field of ['residency', 'source'] as const) {
      const value = filter?.[field];
      if (value === '') throw denied.input(`"${field}" of a filter must not be empty; leave it out for all.`);
      if (value !== null && value !== undefined) where.push({ field, is: '=', value });
    }
    if (filter?.createdAfter) where.push({ field: 'createdAt', is: '>', value: filter.createdAfter.getTime() });
    if (filter?.createdBefore) where.push({ field: 'createdAt', is: '<', value: filter.createdBefore.getTime() });
    return this.#select(client, fields, where, limit);
  }

  /**
   * @returns the new customer's id
   * @throws {GraphQLError} BAD_USER_INPUT, CONFLICT where the external id is taken, ERASED where the person was erased
   */
  async create(client: string, input: CreateCustomerInput, source: string): Promise<string> {
    const { attributes, allowErased, ...fields } = input;
    check(input);
    await this.#requireFree(client, input.externalId);
    if (!allowErased) await this.#requireNotErased(client, { after: present(fields) });
    const id = uuid();
    await this.#keys.createSubjectKeys(client, [id]);
    await inTransaction(await this.#regions.of(client), async (manager) => {
      const writer = new TenantWriter(manager, this.#keys);
      await writer.insert(Customer, client, [
        { ...present(fields), id, source: input.source ?? source, createdAt: new Date() },
      ]);
      const rows = (attributes ?? []).filter(({ value }) => value !== null && value !== undefined);
      await writer.insert(
        CustomAttribute,
        client,
        rows.map(({ key, value }) => ({ customerId: id, key, value })),
      );
    }).catch(externalIdTaken);
    return id;
  }

  /** @throws {GraphQLError} NOT_FOUND, BAD_USER_INPUT, CONFLICT, ERASED where an identifier is of an erased person */
  async update(client: string, input: UpdateCustomerInput): Promise<void> {
    const { customerId, attributes, allowErased, ...fields } = input;
    check(input);
    await this.#requireFree(client, input.externalId, customerId);
    if (!allowErased && identifying.some((field) => input[field])) {
      const before = (await this.find(client, customerId, identifierFields)) as Row | undefined;
      await this.#requireNotErased(client, { before, after: { ...before, ...present(fields) } });
    }
    await inTransaction(await this.#regions.of(client), async (manager) => {
      const writer = new TenantWriter(manager, this.#keys);
      await requireNotUnderErasure(writer, client, customerId);
      const found = await writer.update(Customer, client, { id: customerId }, present(fields));
      if (!found) throw denied.notFound('customer');
      for (const attribute of attributes ?? []) await this.#setAttribute(writer, client, customerId, attribute);
    }).catch(externalIdTaken);
  }

  /** Limits a person's processing to LEGAL (GDPR Art. 18(2), 21), or lifts the limit. @throws {GraphQLError} NOT_FOUND */
  async setRestriction(
    client: string,
    customerId: string,
    ground: RestrictionGround | null,
    principal: string,
  ): Promise<void> {
    const customer = await this.find(client, customerId, none);
    if (!customer) throw denied.notFound('customer');
    const kind = ground === null ? 'RESTRICTION_LIFTED' : 'RESTRICTION_SET';
    await this.#recorder.record(kind, { client, principal, subject: customerId, details: { ground } });
    const changes = { restriction: ground, restrictedAt: ground === null ? null : Date.now() };
    const found = await inTransaction(await this.#regions.of(client), async (manager) => {
      const writer = new TenantWriter(manager, this.#keys);
      await requireNotUnderErasure(writer, client, customerId);
      return writer.update(Customer, client, { id: customerId }, changes);
    });
    if (!found) throw denied.notFound('customer');
  }

  async #select(client: string, fields: ReadonlySet<string>, where: Condition[], limit: number): Promise<Customer[]> {
    const rows = await new TenantReader(await this.#regions.of(client), this.#keys).select(Customer, {
      client,
      fields: withState(fields),
      where,
      orderBy: [{ field: 'id' }],
      limit,
    });
    return rows.map(customerOf);
  }

  async #setAttribute(
    writer: TenantWriter,
    client: string,
    customerId: string,
    { key, value }: AttributeInput,
  ): Promise<void> {
    if (await writer.update(CustomAttribute, client, { customerId, key }, { value: value ?? null })) return;
    if (value !== null && value !== undefined)
      await writer.insert(CustomAttribute, client, [{ customerId, key, value }]);
  }

  async #requireNotErased(client: string, change: IdentifierChange): Promise<void> {
    const erased = await erasedIdentifiers(this.#tombstones, client, [change]);
    const kinds = erased.get(change);
    if (kinds) throw denied.erased(kinds);
  }

  async #requireFree(client: string, externalId: string | null | undefined, owner?: string): Promise<void> {
    if (!externalId) return;
    const [holder] = await this.lookup(client, { externalId }, none, 1);
    if (holder && holder.id !== owner) throw externalIdConflict();
  }
}

const externalIdConflict = () => denied.conflict('Another customer has this "externalId" already.');

/** Two requests at a time may both have found it free; the index lets one of them in. */
function externalIdTaken(error: unknown): never {
  throw isDuplicate(error) ? externalIdConflict() : error;
}

/** A row as the API gives it, marked with the state that decides on it. */
function customerOf(row: Row): Customer {
  const subject = {
    subject: String(row.id),
    restriction: (row.restriction ?? null) as string | null,
    residency: (row.residency ?? null) as string | null,
  };
  if (typeof row.postalAddress === 'object' && row.postalAddress !== null) about(row.postalAddress, subject);
  return about(row, subject) as unknown as Customer;
}

/** Inputs are class instances whose every field exists; only those that were sent count. */
function present(fields: object): Row {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === 'postalAddress' && value ? { ...present(value) } : value]),
  );
}

const lengths: Readonly<Record<string, number>> = { source: 255, externalId: 200 };

function check(input: CreateCustomerInput | UpdateCustomerInput): void {
  for (const [field, value] of Object.entries(input)) {
    if (typeof value === 'string' && value.length > (lengths[field] ?? 1_000)) {
      throw denied.input(`"${field}" is longer than ${lengths[field] ?? 1_000} characters.`);
    }
  }
  for (const [field, code] of [
    ['residency', input.residency],
    ['postalAddress.country', input.postalAddress?.country],
  ] as const) {
    if (code && !(countries.isValid(code) && /^[A-Z]{2}$/.test(code))) {
      throw denied.input(`"${field}" must be a country as ISO 3166-1 alpha-2, such as DE.`);
    }
  }
  if (input.ipAddress && isIP(input.ipAddress) === 0)
    throw denied.input('"ipAddress" must be an IPv4 or IPv6 address.');
  const keys = (input.attributes ?? []).map(({ key }) => key);
  if (new Set(keys).size < keys.length) throw denied.input('"attributes" names a key twice.');
  for (const { key, value } of input.attributes ?? []) {
    if (!/^[\w.-]{1,100}$/.test(key))
      throw denied.input('An attribute\'s "key" must be 1 to 100 letters, digits, dots, dashes or underscores.');
    if (value && value.length > 10_000) throw denied.input('An attribute\'s "value" is longer than 10000 characters.');
  }
}
