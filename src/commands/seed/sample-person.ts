import type { Faker } from '@faker-js/faker';
import { v7 as uuid } from 'uuid';
import { DAY_MS } from '../../law/calendar';
import type { Row } from '../../tenancy/tenant-reader';
import { type SampleCountry, sampleCountries } from './countries';
import type { Fakers } from './fakers';
import { healthEntries, topics } from './words';

/** One sample customer with all related rows. */
export interface SamplePerson {
  readonly customer: Row & { readonly id: string };
  readonly attributes: readonly Row[];
  readonly orders: readonly Row[];
  readonly items: readonly Row[];
  readonly conversations: readonly Row[];
  readonly messages: readonly Row[];
  readonly healthRecords: readonly Row[];
}

/** The largest number of rows for one person. */
export const ROWS_PER_PERSON = 40;

/** Fixed years, so that the same arguments always make the same people. */
const FIRST = Date.UTC(2022, 0, 1);
const LAST = Date.UTC(2026, 5, 30);
/** The share of customers who live in the client's own country. */
const AT_HOME = 0.55;

export const externalIdOf = (number: number): string => `C-${String(number).padStart(7, '0')}`;

/** A sample customer. Addresses and numbers are reserved for examples and reach nobody (RFC 2606, RFC 5737). */
export function samplePerson(fakers: Fakers, home: SampleCountry, number: number): SamplePerson {
  fakers.begin(number);
  const { common } = fakers;
  const country = common.datatype.boolean(AT_HOME) ? home : common.helpers.arrayElement([...sampleCountries]);
  const createdAt = common.number.int({ min: FIRST, max: LAST - 60 * DAY_MS });
  const customer = customerRow(fakers.of(country), country, number, createdAt);
  const customerId = customer.id;
  const purchases = purchasesOf(common, customerId, number, country, createdAt);
  return {
    customer,
    attributes: attributesOf(common, customerId, createdAt),
    ...purchases,
    ...correspondenceOf(common, customerId, createdAt, purchases.items),
    healthRecords: healthOf(common, customerId, createdAt),
  };
}

function customerRow(faker: Faker, country: SampleCountry, number: number, createdAt: number): Row & { id: string } {
  const sex = faker.person.sexType();
  const firstName = faker.person.firstName(sex);
  const lastName = faker.person.lastName(sex);
  const login = [latin(firstName), latin(lastName)].filter(Boolean).join('.') || country.code.toLowerCase();
  const { datatype, helpers } = faker;
  return {
    id: uuid({ msecs: createdAt, seq: number }),
    externalId: externalIdOf(number),
    firstName,
    lastName,
    gender: helpers.weightedArrayElement([
      { value: sex, weight: 90 },
      { value: 'non-binary', weight: 3 },
      { value: null, weight: 7 },
    ]),
    email: `${login}.${number}@example.${helpers.arrayElement(['com', 'net', 'org'])}`,
    phone: datatype.boolean(0.8) ? faker.phone.number({ style: 'international' }) : null,
    socialHandle: datatype.boolean(0.3) ? `@${login.replace('.', '_')}${number}` : null,
    ipAddress: datatype.boolean(0.7) ? documentationAddress(faker) : null,
    residency: country.code,
    postalAddress: {
      street: faker.location.streetAddress(),
      city: faker.location.city(),
      region: faker.location.state(),
      postalCode: faker.location.zipCode(),
      country: country.code,
    },
    source: helpers.arrayElement(['website', 'mobile app', 'shop', 'trade fair', 'support desk']),
    createdAt,
  };
}

function documentationAddress(faker: Faker): string {
  if (faker.datatype.boolean(0.25)) return `2001:db8::${faker.number.hex({ min: 1, max: 0xffff })}`;
  const network = faker.helpers.arrayElement(['192.0.2', '198.51.100', '203.0.113']);
  return `${network}.${faker.number.int({ min: 1, max: 254 })}`;
}

const folded: Readonly<Record<string, string>> = { ß: 'ss', ł: 'l', ø: 'o', æ: 'ae', đ: 'd' };

/** A name in the letters of an email address, or '' where it has no Latin letter. */
function latin(name: string): string {
  const plain = name
    .toLowerCase()
    .normalize('NFD')
    .replace(/[ßłøæđ]/g, (letter) => folded[letter] ?? '');
  return plain.replace(/[^a-z]/g, '');
}

function attributesOf(faker: Faker, customerId: string, since: number): Row[] {
  const plan = faker.helpers.weightedArrayElement([
    { value: 'free', weight: 6 },
    { value: 'standard', weight: 3 },
    { value: 'premium', weight: 1 },
  ]);
  const values = { loyaltyPoints: String(faker.number.int({ max: 5_000 })), plan };
  return Object.entries(values).map(([key, value], place) => {
    return { id: uuid({ msecs: since, seq: place }), customerId, key, value };
  });
}

function purchasesOf(faker: Faker, customerId: string, number: number, country: SampleCountry, since: number) {
  const orders: Row[] = [];
  const items: Row[] = [];
  const { helpers, number: draw } = faker;
  const times = dates(faker, draw.int({ max: 4 }), since);
  for (const [place, placedAt] of times.entries()) {
    const id = uuid({ msecs: placedAt, seq: place });
    let total = 0;
    for (let line = draw.int({ min: 1, max: 4 }); line > 0; line--) {
      const quantity = helpers.weightedArrayElement([
        { value: 1, weight: 7 },
        { value: 2, weight: 2 },
        { value: 3, weight: 1 },
      ]);
      const cents = draw.int({ min: 199, max: 19_999 });
      total += quantity * cents;
      const name = faker.commerce.productName();
      items.push({ id: uuid(), customerId, orderId: id, name, quantity, unitPrice: cents / 100 });
    }
    const status = helpers.weightedArrayElement([
      { value: 'DELIVERED', weight: 8 },
      { value: 'RETURNED', weight: 1 },
      { value: 'CANCELLED', weight: 1 },
    ]);
    const externalId = `O-${number}-${place + 1}`;
    orders.push({ id, customerId, externalId, placedAt, currency: country.currency, total: total / 100, status });
  }
  return { orders, items };
}

function correspondenceOf(faker: Faker, customerId: string, since: number, items: readonly Row[]) {
  const conversations: Row[] = [];
  const messages: Row[] = [];
  const count = faker.helpers.weightedArrayElement([
    { value: 0, weight: 6 },
    { value: 1, weight: 3 },
    { value: 2, weight: 1 },
  ]);
  for (const [place, startedAt] of dates(faker, count, since).entries()) {
    const topic = faker.helpers.arrayElement([...topics]);
    const product = String(faker.helpers.arrayElement(items.length > 0 ? [...items] : [{ name: 'gift card' }]).name);
    const id = uuid({ msecs: startedAt, seq: place });
    const channel = faker.helpers.arrayElement(['EMAIL', 'CHAT', 'PHONE']);
    conversations.push({ id, customerId, channel, subject: topic.subject });
    const turns = [topic.question.replace('{product}', product), topic.answer];
    if (faker.datatype.boolean(0.4)) turns.push('Thank you for your help.');
    for (const [turn, body] of turns.entries()) {
      const sentAt = startedAt + turn * faker.number.int({ min: 600_000, max: DAY_MS });
      const direction = turn % 2 === 0 ? 'INBOUND' : 'OUTBOUND';
      messages.push({
        id: uuid({ msecs: sentAt, seq: turn }),
        customerId,
        conversationId: id,
        sentAt,
        direction,
        body,
      });
    }
  }
  return { conversations, messages };
}

function healthOf(faker: Faker, customerId: string, since: number): Row[] {
  if (!faker.datatype.boolean(0.1)) return [];
  return dates(faker, faker.number.int({ min: 1, max: 2 }), since).map((recordedAt, place) => {
    const { kind, note } = faker.helpers.arrayElement([...healthEntries]);
    return { id: uuid({ msecs: recordedAt, seq: place }), customerId, recordedAt, kind, note };
  });
}

/** Random times after `since`, oldest first. */
function dates(faker: Faker, count: number, since: number): number[] {
  return Array.from({ length: count }, () => faker.number.int({ min: since, max: LAST })).sort((a, b) => a - b);
}
