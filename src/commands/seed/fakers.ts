import { createHash } from 'node:crypto';
import type { Faker } from '@faker-js/faker';
import { type SampleCountry, sampleCountries } from './countries';

/** Draws the same for the same seed and number, whatever was drawn before. */
export interface Fakers {
  /** English words, for what has no locale. */
  readonly common: Faker;
  /** Begins anew for one person. */
  begin(number: number): void;
  /** The country's own, begun anew by what is drawn next. */
  of(country: SampleCountry): Faker;
}

/** Loads the names and places of every sample country: some tenths of a second, so only where people are made. */
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
