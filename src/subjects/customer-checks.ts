import { isIP } from 'node:net';
import countries from 'i18n-iso-countries';
import { denied } from '../identity/request-context';
import type { CreateCustomerInput, UpdateCustomerInput } from './customer-inputs';

const USUAL = 1_000;
const LONGEST_VALUE = 10_000;
const lengths: Readonly<Record<string, number>> = { source: 255, externalId: 200 };

/** A customer needs some data that identifies a person. @throws {GraphQLError} BAD_USER_INPUT */
export function requireSomething({ source: _source, allowErased: _allowErased, ...known }: CreateCustomerInput): void {
  const says = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && !(value instanceof Date)
      ? Object.values(value).some(says)
      : value !== undefined && value !== null && value !== '';
  if (!says(known)) throw denied.input('"input" says nothing of the person: give at least one of its fields.');
}

/** Checks a customer's fields. Errors name the path in the input. @throws {GraphQLError} BAD_USER_INPUT */
export function checkCustomer(input: CreateCustomerInput | UpdateCustomerInput): void {
  checkLengths('', input);
  checkLengths('postalAddress.', input.postalAddress ?? {});
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
  const keys = new Set<string>();
  for (const [index, { key, value }] of (input.attributes ?? []).entries()) {
    if (!/^[\w.-]{1,100}$/.test(key))
      throw denied.input(`"attributes[${index}].key" must be 1 to 100 letters, digits, dots, dashes or underscores.`);
    if (keys.has(key)) throw denied.input(`"attributes[${index}].key" is there before.`);
    keys.add(key);
    if (value && value.length > LONGEST_VALUE)
      throw denied.input(`"attributes[${index}].value" is longer than ${LONGEST_VALUE} characters.`);
  }
}

function checkLengths(within: string, values: object): void {
  for (const [field, value] of Object.entries(values)) {
    const most = lengths[field] ?? USUAL;
    if (typeof value === 'string' && value.length > most)
      throw denied.input(`"${within}${field}" is longer than ${most} characters.`);
  }
}
