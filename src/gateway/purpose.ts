import { isPurpose, type ProcessingPurpose } from '../governance/vocabulary';
import { gatewayErrors } from './errors';

export const purposeHeader = 'processing-purpose';

/**
 * The purpose that a header states. Anything but exactly one of the five is an error and never "none": empty, doubled
 * (Node joins those with a comma), another case, a letter that only looks alike (pitfall 20).
 * @throws {GatewayError} 400, listing the purposes and not repeating the value
 */
export function statedPurpose(value: unknown): ProcessingPurpose | undefined {
  if (value === undefined) return undefined;
  if (!isPurpose(value)) throw gatewayErrors.purpose();
  return value;
}
