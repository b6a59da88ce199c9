/** A record that holds for a time: half-open, from `validFrom` up to and without `validTo`; null never ends. */
export interface Validity {
  readonly validFrom: number;
  readonly validTo: number | null;
  /** When it was withdrawn, if it was. */
  readonly withdrawnAt?: number | null;
}

/** Whether a record is in force at a moment, in milliseconds since 1970. */
export function isInForce({ validFrom, validTo, withdrawnAt }: Validity, at: number): boolean {
  if (withdrawnAt !== null && withdrawnAt !== undefined && withdrawnAt <= at) return false;
  return validFrom <= at && (validTo === null || at < validTo);
}
