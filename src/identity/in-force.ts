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

/** The next moment at which any of the records begins or ceases to be in force; Infinity where none does. */
export function nextChangeOf(records: Iterable<Validity>, at: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { validFrom, validTo, withdrawnAt } of records) {
    for (const moment of [validFrom, validTo, withdrawnAt]) {
      if (moment !== null && moment !== undefined && moment > at && moment < next) next = moment;
    }
  }
  return next;
}
