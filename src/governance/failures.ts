import { GraphQLError } from 'graphql';
import type { Enforcement } from './enforcement';
import { internalError } from './errors';
import type { GovernedResult } from './governed';
import { fieldError } from './messages';

/** Answers errors: a GraphQLError as it is, any other as an internal error that tells nothing. */
export class Failures {
  readonly #onInternalError: (error: unknown) => void;

  constructor(onInternalError: (error: unknown) => void = () => undefined) {
    this.#onInternalError = onInternalError;
  }

  /** The result of the work, or the answer to its failure. */
  attempt<T>(work: () => T): T | GovernedResult {
    try {
      return work();
    } catch (error) {
      return error instanceof GraphQLError ? { errors: [error] } : this.answer(error);
    }
  }

  /** The answer to an internal failure. */
  answer(error: unknown): GovernedResult {
    this.#onInternalError(error);
    return { data: null, errors: [internalError()] };
  }

  /** The errors of an execution: those of resolvers as far as they may be answered, then those of governance. */
  errorsOf(errors: readonly GraphQLError[] | undefined, enforcement: Enforcement): GraphQLError[] {
    const own = (errors ?? []).flatMap((error) => fieldError(error, this.#onInternalError) ?? []);
    return [...own, ...enforcement.errors()];
  }
}
