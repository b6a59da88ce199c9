import { v7 as uuid } from 'uuid';
import { LegalHoldRow } from '../../../src/erasure/holds/legal-hold';
import { ErasureRequestRow } from '../../../src/erasure/requests/erasure-request';
import { Customer } from '../../../src/subjects/customer';
import { CustomAttribute } from '../../../src/subjects/related/custom-attribute';
import type { TestApp } from '../../support/app';
import { insertRows } from '../../support/rows';
import type { Target } from './inputs';

/** What a person's row is to a caller in Germany. */
export const states = {
  clear: { residency: 'DE' },
  restricted: { residency: 'DE', restriction: 'OBJECTION' },
  withheld: { residency: 'RU' },
  underErasure: { residency: 'DE', restriction: 'ERASURE' },
  erased: undefined,
  otherClient: { residency: 'DE' },
  absent: undefined,
} as const;
export type State = keyof typeof states;
export const allStates = Object.keys(states) as State[];

/** What is known of everybody. */
export const personal = { gender: 'g-canary', postalAddress: 'c-canary', attributes: 'a-canary' } as const;

const CHUNK = 500;

/** People in a state, many at a time, each with an open request and a hold; of those who are not there only the ids. */
export async function plant(app: TestApp, clients: { own: string; other: string }, state: State, count: number) {
  const targets = Array.from({ length: count }, (_, number): Target => {
    return { id: uuid(), name: `${state.toLowerCase()}-${number}`, request: uuid(), hold: uuid() };
  });
  if (state === 'absent') return targets;
  const client = state === 'otherClient' ? clients.other : clients.own;
  for (let start = 0; start < count; start += CHUNK) {
    const some = targets.slice(start, start + CHUNK);
    await app.stores.keys.createSubjectKeys(
      client,
      some.map(({ id }) => id),
    );
    const row = states[state];
    if (row) {
      const people = some.map(({ id, name }) => {
        const createdAt = new Date('2025-01-01T00:00:00Z');
        return {
          id,
          externalId: name,
          source: name,
          email: `${name}@example.org`,
          firstName: 'Canary',
          gender: personal.gender,
          postalAddress: { street: 'Canary', city: personal.postalAddress },
          createdAt,
          residency: row.residency,
        };
      });
      await insertRows(app, client, Customer, people);
      const value = personal.attributes;
      const attributes = some.map(({ id }) => ({ customerId: id, id: uuid(), key: 'plan', value }));
      await insertRows(app, client, CustomAttribute, attributes);
    }
    await insertRows(app, client, ErasureRequestRow, some.map(requestOf));
    await insertRows(app, client, LegalHoldRow, some.map(holdOf));
  }
  const restriction = { ...states[state] } as { restriction?: string };
  if (restriction.restriction !== undefined) await restrict(app, client, state, restriction.restriction);
  if (state === 'erased') await bury(app, client, targets);
  return targets;
}

const at = new Date('2025-06-01T00:00:00Z');

const requestOf = ({ id, request }: Target) => ({
  id: request,
  kind: 'CUSTOMER',
  customerId: id,
  grounds: 'OBJECTION',
  // Of a category alone, so that people in any state may have one.
  categories: ['HEALTH'],
  status: 'RECEIVED',
  requestedBy: 'sweep',
  requestedRole: 'CLIENT_ADMIN',
  requestedAt: at,
  dueAt: at,
  pass: 0,
});

const holdOf = ({ id, hold }: Target) => ({
  id: hold,
  customerId: id,
  categories: ['HEALTH'],
  matter: 'swept',
  reason: 'swept',
  placedBy: 'sweep',
  placedAt: at,
});

/** Afterwards: nothing is written about people who are being erased. */
async function restrict(app: TestApp, client: string, state: State, restriction: string): Promise<void> {
  const source = await app.stores.regions.of(client);
  await source.query('UPDATE customer SET restriction = ? WHERE client_id = ? AND source LIKE ?', [
    restriction,
    client,
    `${state.toLowerCase()}-%`,
  ]);
}

/** What stays of people who were erased: tombstones, and records that name nobody any more. */
async function bury(app: TestApp, client: string, targets: readonly Target[]): Promise<void> {
  const { tombstones } = app.services.erasure;
  for (let start = 0; start < targets.length; start += CHUNK) {
    const identifiers = targets.slice(start, start + CHUNK).flatMap(({ name }) => [
      { kind: 'externalId' as const, value: name },
      { kind: 'email' as const, value: `${name}@example.org` },
    ]);
    await tombstones.set(client, uuid(), identifiers, at.getTime());
  }
}
