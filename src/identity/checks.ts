import { isIP } from 'node:net';
import countries from 'i18n-iso-countries/index';
import { denied } from './request-context';

/** Whether it is a country of today by its ISO 3166-1 alpha-2 code, in capitals. */
export const isCountry = (code: string): boolean => /^[A-Z]{2}$/.test(code) && countries.isValid(code);

/** @throws {GraphQLError} BAD_USER_INPUT unless it is an ISO 3166-1 alpha-2 code */
export function requireCountry(field: string, code: string): string {
  if (isCountry(code)) return code;
  throw denied.input(`"${field}" must be a country as ISO 3166-1 alpha-2, such as DE.`);
}

/** @throws {GraphQLError} BAD_USER_INPUT where a text is empty or longer than its column */
export function requireText(field: string, text: string, limit: number): string {
  const trimmed = text.trim();
  if (trimmed !== '' && trimmed.length <= limit) return trimmed;
  throw denied.input(`"${field}" must have 1 to ${limit} characters.`);
}

/** @throws {GraphQLError} BAD_USER_INPUT unless it is an IPv4 or IPv6 address */
export function requireIpAddress(field: string, address: string): string {
  if (isIP(address) !== 0) return address;
  throw denied.input(`"${field}" must be an IPv4 or IPv6 address.`);
}
