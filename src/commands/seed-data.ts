import type { AgreementKind } from '../governance/vocabulary';
import type { Client } from '../register/client';
import type { Services } from '../services';
import { itemsPerTransaction } from '../storage/engine-profiles';
import { engineOf } from '../storage/pool-use';
import { inTransaction } from '../storage/transaction';
import type { Stores } from '../stores';
import { Customer } from '../subjects/customer';
import { ExternalIds, type ImportTarget } from '../subjects/import/external-ids';
import { Conversation, Message } from '../subjects/related/conversation';
import { CustomAttribute } from '../subjects/related/custom-attribute';
import { HealthRecord } from '../subjects/related/health-record';
import { Order, OrderItem } from '../subjects/related/order';
import { TenantWriter } from '../tenancy/tenant-writer';
import { type SampleCountry, sampleCountries } from './seed/countries';
import { createFakers } from './seed/fakers';
import { externalIdOf, ROWS_PER_PERSON, type SamplePerson, samplePerson } from './seed/sample-person';

export interface SeedClientOptions {
  readonly slug: string;
  readonly name: string;
  /** ISO 3166-1 alpha-2, one of the sample countries. Most of its customers live there. */
  readonly country: string;
  /** How many sample customers the client should have. */
  readonly customers: number;
  /** Whether a HIPAA agreement is signed. Health records are made in both cases. */
  readonly healthAgreement: boolean;
  /** Another seed makes other people. Default: the slug. */
  readonly seed?: string;
  /** Called after each batch with its number of customers. */
  readonly onProgress?: (customers: number) => void;
}

/** The result for one client. */
export interface SeededClient {
  readonly slug: string;
  readonly name: string;
  readonly country: string;
  readonly healthAgreement: boolean;
  /** Whether this call registered the client. */
  readonly registered: boolean;
  /** Customers made by this call, and those that existed before. */
  created: number;
  existing: number;
  orders: number;
  conversations: number;
  healthRecords: number;
}

const BATCH = 200;
const PRINCIPAL = 'remit seed';

/**
 * Makes sample customers for a client, with orders, correspondence, attributes and some health records. Registers the
 * client and signs its agreements where that is missing. Existing customers are not changed: a second call continues
 * where the first one stopped.
 */
export async function seedClient(
  services: Services,
  stores: Stores,
  options: SeedClientOptions,
): Promise<SeededClient> {
  const home = sampleCountries.find(({ code }) => code === options.country);
  if (!home) throw new RangeError(`there are no sample people of ${options.country}`);
  const { client, registered } = await ensureClient(services, options);
  const target = { client: client.id, source: await stores.regions.of(client.id), keys: stores.keys };
  const { slug, name, country, healthAgreement } = options;
  const seeded: SeededClient = {
    ...{ slug, name, country, healthAgreement, registered },
    ...{ created: 0, existing: 0, orders: 0, conversations: 0, healthRecords: 0 },
  };
  const size = itemsPerTransaction(engineOf(target.source), BATCH, ROWS_PER_PERSON);
  const make = await maker(home, options.seed ?? slug);
  const ids = new ExternalIds(target);
  for (let first = 1; first <= options.customers; first += size) {
    const numbers = Array.from({ length: Math.min(size, options.customers - first + 1) }, (_, place) => first + place);
    const known = await ids.find(Customer, 'externalId', numbers.map(externalIdOf), []);
    const people = numbers.filter((number) => !known.has(externalIdOf(number))).map(make);
    await write(target, people);
    seeded.created += people.length;
    seeded.existing += numbers.length - people.length;
    for (const { orders, conversations, healthRecords } of people) {
      seeded.orders += orders.length;
      seeded.conversations += conversations.length;
      seeded.healthRecords += healthRecords.length;
    }
    options.onProgress?.(numbers.length);
  }
  return seeded;
}

async function maker(home: SampleCountry, seed: string): Promise<(number: number) => SamplePerson> {
  const fakers = await createFakers(seed);
  return (number) => samplePerson(fakers, home, number);
}

async function ensureClient(
  { clients }: Services,
  options: SeedClientOptions,
): Promise<{ client: Client; registered: boolean }> {
  const { slug, name, country, healthAgreement } = options;
  const known = await clients.find(slug);
  const administrator = { name: 'Alex Example', email: `admin@${slug}.example` };
  const client = known ?? (await clients.register({ slug, name, country, administrator }, PRINCIPAL));
  const signed = new Set((await clients.agreements(client.id)).map(({ kind }) => kind));
  const wanted: readonly AgreementKind[] = healthAgreement ? ['MASTER', 'DPA', 'HEALTH'] : ['MASTER', 'DPA'];
  for (const kind of wanted) {
    if (!signed.has(kind)) await clients.sign(client.id, { kind, version: '2026-01' }, PRINCIPAL);
  }
  return { client, registered: !known };
}

/** Keys first, then all rows of the batch in one transaction: no person is stored half. */
async function write({ client, source, keys }: ImportTarget, people: readonly SamplePerson[]): Promise<void> {
  if (people.length === 0) return;
  await keys.createSubjectKeys(
    client,
    people.map(({ customer }) => customer.id),
  );
  await inTransaction(source, async (manager) => {
    const writer = new TenantWriter(manager, keys);
    const all = (pick: (person: SamplePerson) => SamplePerson['orders']) => people.flatMap(pick);
    await writer.insert(
      Customer,
      client,
      people.map(({ customer }) => customer),
    );
    await writer.insert(
      CustomAttribute,
      client,
      all(({ attributes }) => attributes),
    );
    await writer.insert(
      Order,
      client,
      all(({ orders }) => orders),
    );
    await writer.insert(
      OrderItem,
      client,
      all(({ items }) => items),
    );
    await writer.insert(
      Conversation,
      client,
      all(({ conversations }) => conversations),
    );
    await writer.insert(
      Message,
      client,
      all(({ messages }) => messages),
    );
    await writer.insert(
      HealthRecord,
      client,
      all(({ healthRecords }) => healthRecords),
    );
  });
}
