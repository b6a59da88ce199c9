import type { EntityManager } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { DataCategory } from '../governance/vocabulary';
import type { IdentifierKind } from '../identifiers/kind';
import { type ChangeRecorder, changing, unrecorded } from '../identity/change-recorder';
import { denied } from '../identity/request-context';
import { about } from '../identity/subject-state';
import { storedIndexes } from '../keys/blind-index';
import type { KeyStore } from '../keys/key-store';
import { failureOf } from '../storage/failures';
import { notePeople } from '../storage/noted-ids';
import type { Regions } from '../storage/regions';
import { inTransaction } from '../storage/transaction';
import { type Row, TenantReader } from '../tenancy/tenant-reader';
import { tableOf } from '../tenancy/tenant-table';
import { TenantWriter } from '../tenancy/tenant-writer';
import { setAttributes } from './attributes';
import { Customer, type RestrictionGround, restrictionGrounds } from './customer';
import { checkCustomer, requireSomething } from './customer-checks';
import type { CreateCustomerInput, UpdateCustomerInput } from './customer-inputs';
import { CustomerReads, decisive, stateIn } from './customer-reads';
import { externalIdConflict, holdersOf, type Place, placeBeside } from './external-id-holders';
import { type ErasedPeople, erasedIdentifiers, identifierFields, identifying } from './identifiers';
import type { ProcessingRestriction } from './processing-restriction';
import {
  categoriesOf,
  everybody,
  lockPeople,
  mayMove,
  mayWrite,
  type Person,
  personToActOn,
  type Reach,
  unreached,
} from './reach';
import { CustomAttribute } from './related/custom-attribute';
import { requireNotUnderErasure } from './writable';

/** Who writes, and which people they reach. */
export interface CustomerWriter {
  readonly principal: string;
  readonly reach: Reach;
  /** Whether they may decide to store an erased person again. */
  readonly takesInErased: boolean;
}

const operator = (principal: string): CustomerWriter => ({ principal, reach: everybody, takesInErased: true });

const ATTEMPTS = 5;

/** Reads and writes the customers of clients. */
export class Customers {
  readonly reads: CustomerReads;
  readonly #regions: Regions;
  readonly #keys: KeyStore;
  readonly #recorder: ChangeRecorder;
  readonly #erased: ErasedPeople | undefined;

  constructor(regions: Regions, keys: KeyStore, recorder: ChangeRecorder = unrecorded, erased?: ErasedPeople) {
    this.#regions = regions;
    this.#keys = keys;
    this.#recorder = recorder;
    this.#erased = erased;
    this.reads = new CustomerReads(regions, keys);
  }

  async find(client: string, id: string, fields: ReadonlySet<string>): Promise<Customer | undefined> {
    return (await this.reads.find(client, id, fields))?.customer();
  }

  /** The restriction of a person's processing; undefined where there is none, or the person is being erased. */
  async restriction(client: string, id: string): Promise<ProcessingRestriction | undefined> {
    if (id === '') return undefined;
    const reader = new TenantReader(await this.#regions.of(client), this.#keys);
    const [row] = await reader.select(Customer, {
      client,
      fields: [...decisive, 'restrictedAt'],
      where: [{ field: 'id', is: '=', value: id }],
      limit: 1,
    });
    const ground = (row?.restriction ?? null) as RestrictionGround | null;
    if (!row || ground === null || !Object.hasOwn(restrictionGrounds, ground)) return undefined;
    const since = (row.restrictedAt ?? null) as Date | null;
    return about(
      { ground, since },
      stateIn((name) => row[name]),
    );
  }

  /**
   * @returns the new customer's id
   * @throws {GraphQLError} BAD_USER_INPUT; TRANSFER_NOT_AUTHORIZED where the caller could not read what it writes;
   * CONFLICT where the external id is taken; ERASED where the person was erased
   */
  async create(client: string, input: CreateCustomerInput, source: string, by = operator(source)): Promise<string> {
    const { attributes, allowErased, ...rest } = input;
    const fields = present(rest);
    checkCustomer(input);
    requireSomething(input);
    const { residency = null } = input;
    const refusal = by.reach.refusal({ residency, restriction: null, objections: 0 }, writtenCategories(input));
    if (refusal !== undefined) throw denied.transfer(unreadable(residency), refusal);
    const erased = await this.#erasedAmong(client, undefined, fields, allowErased, by);
    const id = uuid();
    notePeople(id);
    // Checked before the person's key is made: the key would stay after a refusal.
    await this.#placeFor(client, input.externalId, id, by.reach);
    await this.#keys.createSubjectKeys(client, [id]);
    await this.#recordTakenIn(client, id, erased, by);
    await this.#beside(client, input.externalId, id, by, async (place) =>
      inTransaction(await this.#regions.of(client), async (manager) => {
        const writer = new TenantWriter(manager, this.#keys);
        await writer.insert(Customer, client, [
          { ...fields, ...place, id, source: input.source ?? source, createdAt: new Date() },
        ]);
        const rows = (attributes ?? []).filter(({ value }) => value !== null && value !== undefined);
        await writer.insert(
          CustomAttribute,
          client,
          rows.map(({ key, value }) => ({ id: uuid(), customerId: id, key, value })),
        );
      }),
    );
    return id;
  }

  /** @throws {GraphQLError} NOT_FOUND, BAD_USER_INPUT, TRANSFER_NOT_AUTHORIZED, CONFLICT or ERASED */
  async update(client: string, input: UpdateCustomerInput, by = operator('')): Promise<void> {
    const { customerId, attributes, allowErased, ...rest } = input;
    const fields = present(rest);
    checkCustomer(input);
    notePeople(customerId);
    const source = await this.#regions.of(client);
    const writable = async (manager: EntityManager): Promise<Person> => {
      const [person] = await lockPeople(manager, client, [customerId]);
      if (!person || !mayWrite(by.reach, person, writtenCategories(input))) throw unreached();
      requireNotUnderErasure(person);
      const { residency } = input;
      if (residency !== undefined && residency !== person.residency && !mayMove(by.reach, person, residency))
        throw denied.transfer(movesReach);
      return person;
    };
    const before = await inTransaction(source, writable);
    const erased = await this.#erasedAmong(client, customerId, fields, allowErased, by);
    await this.#recordTakenIn(client, customerId, erased, by);
    const write = () =>
      this.#beside(client, input.externalId, customerId, by, (place) =>
        inTransaction(source, async (manager) => {
          await writable(manager);
          const writer = new TenantWriter(manager, this.#keys);
          await writer.update(Customer, client, { id: customerId }, { ...fields, ...place });
          if (attributes) await setAttributes({ manager, writer, keys: this.#keys, client, customerId }, attributes);
        }),
      );
    const { residency } = input;
    if (residency === undefined || residency === before.residency) return write();
    // A person's residency decides who may read, so its change is recorded.
    const decides = [{ table: 'customer', row: '', columns: { residency }, subject: customerId }];
    const change = { client, principal: by.principal, subject: customerId, decides };
    await changing(this.#recorder, 'RESIDENCY_CHANGED', change, write);
  }

  /** Restricts processing to LEGAL (GDPR Art. 18(2), 21), or lifts the restriction. @throws {GraphQLError} NOT_FOUND */
  async setRestriction(
    client: string,
    customerId: string,
    ground: RestrictionGround | null,
    principal: string,
    reach: Reach = everybody,
  ): Promise<void> {
    const source = await this.#regions.of(client);
    const changeable = async (manager: EntityManager): Promise<void> =>
      requireNotUnderErasure(await personToActOn(manager, client, customerId, reach));
    await inTransaction(source, changeable);
    const kind = ground === null ? 'RESTRICTION_LIFTED' : 'RESTRICTION_SET';
    const decides = [{ table: 'customer', row: '', columns: { restriction: ground }, subject: customerId }];
    const changes = { restriction: ground, restrictedAt: ground === null ? null : Date.now() };
    const change = { client, principal, subject: customerId, details: { ground }, decides };
    await changing(this.#recorder, kind, change, () =>
      inTransaction(source, async (manager) => {
        await changeable(manager);
        await new TenantWriter(manager, this.#keys).update(Customer, client, { id: customerId }, changes);
      }),
    );
  }

  /**
   * Finds identifiers of erased people in a change.
   * @param customer the existing person who would get them
   * @throws {GraphQLError} ERASED, unless it is allowed
   */
  async #erasedAmong(
    client: string,
    customer: string | undefined,
    fields: Row,
    allowed: boolean | null | undefined,
    { takesInErased }: CustomerWriter,
  ): Promise<IdentifierKind[]> {
    if (!identifying.some((field) => fields[field])) return [];
    const before = customer && ((await this.find(client, customer, identifierFields)) as Row | undefined);
    const change = { ...(before && { before }), after: { ...(before || {}), ...fields } };
    const erased = (await erasedIdentifiers(this.#erased, client, [change])).get(change) ?? [];
    if (erased.length > 0 && !allowed) throw denied.erased(takesInErased ? erased : undefined);
    return erased;
  }

  async #recordTakenIn(
    client: string,
    subject: string,
    erased: readonly IdentifierKind[],
    { principal }: CustomerWriter,
  ): Promise<void> {
    if (erased.length === 0) return;
    const details = { identifiers: erased.join(' ') };
    await this.#recorder.record('ERASED_TAKEN_IN', { client, principal, subject, details });
  }

  /**
   * Writes a person with an external id. Two concurrent writers may both find a rank free. The unique index accepts one
   * of them, and the other tries again.
   */
  async #beside(
    client: string,
    externalId: string | null | undefined,
    owner: string,
    { reach, principal }: CustomerWriter,
    write: (place: { externalIdRank?: number }) => Promise<void>,
  ): Promise<void> {
    let said = false;
    for (let attempt = 1; ; attempt++) {
      const place = await this.#placeFor(client, externalId, owner, reach);
      if (!place) return write({});
      const { rank, shared } = place;
      if (shared && !said) await this.#recorder.record('EXTERNAL_ID_SHARED', { client, principal, subject: owner });
      said ||= shared;
      try {
        return await write({ externalIdRank: rank });
      } catch (error) {
        if (failureOf(error) !== 'DUPLICATE') throw error;
        if (attempt === ATTEMPTS) throw externalIdConflict();
      }
    }
  }

  /** @returns undefined without an external id. @throws {GraphQLError} CONFLICT */
  async #placeFor(
    client: string,
    externalId: string | null | undefined,
    owner: string,
    reach: Reach,
  ): Promise<Place | undefined> {
    if (!externalId) return undefined;
    const digests = storedIndexes(await this.#keys.derivedKeys(client, 'blind-index'), {
      kind: 'externalId',
      value: externalId,
    });
    if (digests.length === 0) return undefined;
    return placeBeside(await holdersOf(await this.#regions.of(client), client, digests), reach, owner);
  }
}

/** The fields of an input that were sent. Inputs are class instances, in which every field exists. */
function present(fields: object): Row {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === 'postalAddress' && value ? { ...present(value) } : value]),
  );
}

/** The fields of a person that a caller sets. */
function writtenCategories({ attributes, ...fields }: CreateCustomerInput | UpdateCustomerInput): Set<DataCategory> {
  const categories = categoriesOf(Object.keys(present(fields)));
  const { category } = tableOf(CustomAttribute).fields.get('value')?.personal ?? {};
  return category && attributes?.length ? categories.add(category) : categories;
}

const unreadable = (residency: string | null | undefined): string =>
  residency
    ? 'What is written could not be read again from here: no lawful basis carries it from this "residency".'
    : 'What is written could not be read again: say "residency", the country whose law covers the person.';

const movesReach =
  'Another "residency" is written by whoever reads the person under the one as under the other; here it would change ' +
  'what you may read.';
