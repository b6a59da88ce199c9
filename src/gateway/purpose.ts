import { isPurpose, type ProcessingPurpose } from '../governance/vocabulary';
import { gatewayErrors } from './errors';

export const purposeHeader = 'processing-purpose';

/**
 * The purpose that a header states. Anything but exactly one known purpose is an error and never "none": empty, doubled
 * (Node joins two headers with a comma), in another case, or with a look-alike letter (docs/pitfalls.md, 20).
 * @throws {GatewayError} 400, which lists the purposes and does not repeat the value
 */
export function statedPurpose(value: unknown): ProcessingPurpose | undefined {
  if (value === undefined) return undefined;
  if (!isPurpose(value)) throw gatewayErrors.purpose();
  return value;
}
