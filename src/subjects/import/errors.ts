import type { WriteRefusal } from '../writable';

/** The import was asked for wrongly: a mapping or a file that cannot work. The message names the remedy. */
export class ImportUsageError extends Error {
  override readonly name = 'ImportUsageError';
}

/** The import ended midway; what it had done by then. */
export class ImportStopped extends Error {
  override readonly name = 'ImportStopped';

  constructor(
    readonly counts: Readonly<Record<string, number>>,
    cause: unknown,
  ) {
    super('The import ended midway.', { cause });
  }
}

/** Why a row, or a field of it, is not taken in. It never repeats a value, which may be personal data. */
export interface Fault {
  readonly reason: string;
  /** Our field, or the file's column where no field is at fault alone. */
  readonly field?: string;
  /** The last line that is left out, where it is more than the row's own. */
  readonly through?: number;
}

const refusals: Readonly<Record<WriteRefusal, string>> = {
  ABSENT: 'is of a person who is not there any more',
  UNDER_ERASURE: 'is of a person who is being erased',
  RESTRICTED: 'is of a person whose processing is restricted; lift the restriction first',
};

/** What a rejected row is told where nothing may be written about its person. */
export const refusalFault = (refusal: WriteRefusal, field: string): Fault => ({ reason: refusals[refusal], field });
