import { GraphQLError } from 'graphql';
import type { Enforcement } from './enforcement';
import { internalError } from './errors';
import type { GovernedResult } from './governed';
import { fieldError } from './messages';

/** What becomes of errors: a caller's own mistake is answered as it is, any other stays inside. */
export class Failures {
  readonly #onInternalError: (error: unknown) => void;

  constructor(onInternalError: (error: unknown) => void = () => undefined) {
    this.#onInternalError = onInternalError;
  }

  /** What the work gives, or the answer to its failure. */
  attempt<T>(work: () => T): T | GovernedResult {
    try {
      return work();
    } catch (error) {
      return error instanceof GraphQLError ? { errors: [error] } : this.answer(error);
    }
  }

  /** The answer to a failure that is none of the caller's making. */
  answer(error: unknown): GovernedResult {
    this.#onInternalError(error);
    return { data: null, errors: [internalError()] };
  }

  /** The errors of an execution: those of its fields as they may be answered, then those of governance. */
  errorsOf(errors: readonly GraphQLError[] | undefined, enforcement: Enforcement): GraphQLError[] {
    const own = (errors ?? []).flatMap((error) => fieldError(error, this.#onInternalError) ?? []);
    return [...own, ...enforcement.errors()];
  }
}
