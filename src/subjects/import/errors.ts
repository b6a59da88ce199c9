import type { WriteRefusal } from '../writable';

/** A wrong mapping or file. The message names the remedy. */
export class ImportUsageError extends Error {
  override readonly name = 'ImportUsageError';
}

/** The import stopped midway. Says what it had done by then. */
export class ImportStopped extends Error {
  override readonly name = 'ImportStopped';

  constructor(
    readonly counts: Readonly<Record<string, number>>,
    cause: unknown,
  ) {
    super('The import ended midway.', { cause });
  }
}

/** Why a row or a field is not imported. It never repeats a value, which may be personal data. */
export interface Fault {
  readonly reason: string;
  /** Our field, or the file's column where no single field is at fault. */
  readonly field?: string;
  /** The last skipped line, where it is beyond the row's own. */
  readonly through?: number;
}

const refusals: Readonly<Record<WriteRefusal, string>> = {
  ABSENT: 'is of a person who is not there any more',
  UNDER_ERASURE: 'is of a person who is being erased',
  RESTRICTED: 'is of a person whose processing is restricted; lift the restriction first',
};

/** The fault of a row about whose person nothing may be written. */
export const refusalFault = (refusal: WriteRefusal, field: string): Fault => ({ reason: refusals[refusal], field });
