import { GraphQLError } from 'graphql';
import type { Enforcement } from './enforcement';
import { internalError } from './errors';
import type { GovernedResult, GovernOptions } from './governed';
import { fieldError } from './messages';

/** Answers errors: a GraphQLError as it is, any other as an internal error that tells nothing. */
export class Failures {
  readonly #options: Pick<GovernOptions, 'onInternalError' | 'wordsFor'>;

  constructor(options: Pick<GovernOptions, 'onInternalError' | 'wordsFor'>) {
    this.#options = options;
  }

  /** The result of the work, or the answer to its failure. */
  attempt<T>(work: () => T): T | GovernedResult {
    try {
      return work();
    } catch (error) {
      return error instanceof GraphQLError ? { errors: [error] } : this.answer(error);
    }
  }

  /** Tells of an internal failure that is not answered: the work is done in another way. */
  report(error: unknown): void {
    this.#options.onInternalError?.(error);
  }

  /** The answer to an internal failure. */
  answer(error: unknown): GovernedResult {
    return { data: null, errors: [this.#told(error)] };
  }

  /** The errors of an execution: those of resolvers as far as they may be answered, then those of governance. */
  errorsOf(errors: readonly GraphQLError[] | undefined, enforcement: Enforcement): GraphQLError[] {
    const told = (error: unknown, path: GraphQLError['path']) => this.#told(error, path);
    const own = (errors ?? []).flatMap((error) => fieldError(error, told) ?? []);
    return [...own, ...enforcement.errors()];
  }

  #told(error: unknown, path?: GraphQLError['path']): GraphQLError {
    const words = this.#options.wordsFor?.(error);
    if (words) return new GraphQLError(words.message, { path, extensions: words.extensions });
    this.report(error);
    return internalError(path);
  }
}
