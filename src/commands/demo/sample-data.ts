import { v7 as uuid } from 'uuid';
import { DAY_MS, HOUR_MS } from '../../law/calendar';
import type { Services } from '../../services';
import { inTransaction } from '../../storage/transaction';
import type { Stores } from '../../stores';
import { Conversation, Message } from '../../subjects/related/conversation';
import { HealthRecord } from '../../subjects/related/health-record';
import { Order, OrderItem } from '../../subjects/related/order';
import type { Row } from '../../tenancy/tenant-reader';
import { TenantWriter } from '../../tenancy/tenant-writer';
import { openCases } from './open-cases';
import { heldPerson, leavingPerson, type Person, people } from './people';

/** Slugs of the two clients. The clinic has a HIPAA agreement in force, the bookshop has none. */
export const clinic = 'alpine-clinic';
export const bookshop = 'harbour-books';
/** The third-party application that the clinic has installed (docs/statement.md, S3). */
export const partnerApplication = 'parcel-pilot';
/** Two engineers of the platform. The clinic's instruction names only the first (docs/statement.md, R1). */
export const instructedEngineer = 'ines.engineer';
export const otherEngineer = 'otto.engineer';

/** Fills an empty installation with two clients, their agreements, and a few people each. */
export async function fillWithSamples(services: Services, stores: Stores): Promise<void> {
  const { clients, parties, records } = services;
  const administrator = 'demo.admin';
  const withHealth = await clients.register({ slug: clinic, name: 'Alpine Clinic', country: 'AT' }, 'demo.platform');
  const without = await clients.register({ slug: bookshop, name: 'Harbour Books', country: 'GB' }, 'demo.platform');
  for (const { id } of [withHealth, without]) {
    await clients.sign(id, { kind: 'MASTER', version: '2026-01' }, administrator);
    await clients.sign(id, { kind: 'DPA', version: '2026-01' }, administrator);
  }
  await clients.sign(withHealth.id, { kind: 'HEALTH', version: '2026-01' }, administrator);

  const application = await parties.registerApplication({
    slug: partnerApplication,
    name: 'Parcel Pilot',
    publisher: 'Parcel Pilot Ltd',
    country: 'IE',
    scopes: [],
    privacyNoticeVersion: '3.1',
    privacyNoticeUrl: 'https://parcel-pilot.example/privacy/3.1',
  });
  await parties.install(
    withHealth.id,
    {
      applicationId: application.id,
      acceptedNoticeVersion: '3.1',
      purposes: ['SERVICE_DELIVERY'],
      categories: ['NAME', 'CONTACT', 'ONLINE_IDENTIFIER', 'COMMERCE'],
    },
    administrator,
  );
  await records.instruct(
    { client: withHealth.id, principal: administrator },
    {
      purpose: 'SECURITY',
      principal: instructedEngineer,
      reason: 'look into the sign-in alerts of ticket 4711',
      validTo: new Date(Date.now() + DAY_MS),
    },
  );
  const ids = new Map<string, string>();
  for (const person of people) {
    const client = person.client === clinic ? withHealth.id : without.id;
    ids.set(person.customer.externalId ?? '', await addPerson(services, stores, client, person));
  }
  const idOf = (externalId: string) => ids.get(externalId) ?? '';
  await openCases(services, withHealth.id, { held: idOf(heldPerson), leaving: idOf(leavingPerson) });
}

async function addPerson(services: Services, stores: Stores, client: string, person: Person): Promise<string> {
  const customerId = await services.customers.create(client, person.customer, 'demo');
  const conversation = { id: uuid(), customerId, channel: 'EMAIL', subject: person.conversation.subject };
  const message = (direction: string, body: string, hours: number): Row => ({
    id: uuid(),
    customerId,
    conversationId: conversation.id,
    direction,
    body,
    sentAt: new Date(Date.now() - hours * HOUR_MS),
  });
  const order = {
    id: uuid(),
    customerId,
    placedAt: new Date(person.order.placedAt),
    currency: 'EUR',
    total: person.order.unitPrice * person.order.quantity,
    status: 'SHIPPED',
  };
  const { name, quantity, unitPrice } = person.order;
  await inTransaction(await stores.regions.of(client), async (manager) => {
    const writer = new TenantWriter(manager, stores.keys);
    await writer.insert(Order, client, [order]);
    await writer.insert(OrderItem, client, [{ id: uuid(), customerId, orderId: order.id, name, quantity, unitPrice }]);
    await writer.insert(Conversation, client, [conversation]);
    await writer.insert(Message, client, [
      message('INBOUND', person.conversation.question, 30),
      message('OUTBOUND', person.conversation.answer, 28),
    ]);
    if (!person.health) return;
    const recordedAt = new Date(person.health.recordedAt);
    await writer.insert(HealthRecord, client, [{ ...person.health, id: uuid(), customerId, recordedAt }]);
  });
  return customerId;
}
