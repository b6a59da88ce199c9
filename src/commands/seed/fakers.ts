import { createHash } from 'node:crypto';
import type { Faker } from '@faker-js/faker';
import { type SampleCountry, sampleCountries } from './countries';

/** Random values that depend only on the seed and the number of the person. */
export interface Fakers {
  /** English, for values without a locale. */
  readonly common: Faker;
  /** Restarts the sequence for one person. */
  begin(number: number): void;
  /** The faker of one country, seeded from the common one. */
  of(country: SampleCountry): Faker;
}

/** Loads the locale of every sample country. Takes some tenths of a second, so only done when people are made. */
export async function createFakers(seed: string): Promise<Fakers> {
  const library = await import('@faker-js/faker');
  const { base, en, Faker: FakerClass } = library;
  const fakers = new Map(
    sampleCountries.map(({ code, locale }) => [code, new FakerClass({ locale: [library[locale], en, base] })]),
  );
  const common = new FakerClass({ locale: [en, base] });
  const origin = createHash('sha256').update(seed).digest().readUInt32LE();
  return {
    common,
    begin: (number) => void common.seed([origin, number]),
    of: ({ code }) => {
      const faker = fakers.get(code) ?? common;
      faker.seed(common.number.int());
      return faker;
    },
  };
}
