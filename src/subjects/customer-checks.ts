import { denied } from '../identity/request-context';
import { Customer } from './customer';
import type { CreateCustomerInput, UpdateCustomerInput } from './customer-inputs';
import { PostalAddress } from './postal-address';
import { checkWritten } from './writable-fields';

const LONGEST_VALUE = 10_000;

/** A customer needs some data that identifies a person. @throws {GraphQLError} BAD_USER_INPUT */
export function requireSomething({ source: _source, allowErased: _allowErased, ...known }: CreateCustomerInput): void {
  const says = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && !(value instanceof Date)
      ? Object.values(value).some(says)
      : value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '');
  if (!says(known)) throw denied.input('"input" says nothing of the person: give at least one of its fields.');
}

/** Checks a customer's fields. Errors name the path in the input. @throws {GraphQLError} BAD_USER_INPUT */
export function checkCustomer(input: CreateCustomerInput | UpdateCustomerInput): void {
  checkWritten(Customer, input);
  checkWritten(PostalAddress, input.postalAddress ?? {}, 'postalAddress.');
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
