import type { TestApp } from '../support/app';
import { insertCustomer } from '../support/rows';

/** Where the 59 customers of Chinook live: 24 countries. */
export const chinook: Readonly<Record<string, number>> = {
  AR: 1,
  AT: 1,
  AU: 1,
  BE: 1,
  BR: 5,
  CA: 8,
  CL: 1,
  CZ: 2,
  DE: 4,
  DK: 1,
  ES: 1,
  FI: 1,
  FR: 5,
  GB: 3,
  HU: 1,
  IE: 1,
  IN: 2,
  IT: 1,
  NL: 1,
  NO: 1,
  PL: 1,
  PT: 2,
  SE: 1,
  US: 13,
};

/**
 * Registers a client with as many people of each country as told.
 * @returns the client's id, and the people's by country
 */
export async function populate(
  app: TestApp,
  slug: string,
  people: Readonly<Record<string, number>> = chinook,
): Promise<{ client: string; ids: Readonly<Record<string, string>> }> {
  const { id } = await app.services.clients.register({ slug, name: slug }, 'test');
  const ids: Record<string, string> = {};
  for (const [residency, count] of Object.entries(people)) {
    for (let number = 0; number < count; number++) {
      ids[residency] = await insertCustomer(app, id, {
        residency: residency === 'none' ? null : residency,
        firstName: `${residency}-${number}`,
        email: `${residency}-${number}@example.org`,
      });
    }
  }
  return { client: id, ids };
}
