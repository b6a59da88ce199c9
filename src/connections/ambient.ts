import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';

/**
 * A value for all that runs within a call, however deep. While one is in use, Node follows every promise of the
 * process. So it is in use only as long as somebody is within a call; all code that needs such a value uses this class.
 */
export class Ambient<T> {
  readonly #storage = new AsyncLocalStorage<T>();
  /** Calls that have not ended. */
  #calls = 0;

  get(): T | undefined {
    return this.#calls === 0 ? undefined : this.#storage.getStore();
  }

  /** Runs `work` with a value, until what it returns is settled. */
  run<R>(value: T, work: () => R): R {
    this.#calls++;
    const ended = () => {
      this.#calls--;
      if (this.#calls === 0) this.#storage.disable();
    };
    try {
      const result = this.#storage.run(value, work);
      if (types.isPromise(result)) void result.then(ended, ended);
      else ended();
      return result;
    } catch (error) {
      ended();
      throw error;
    }
  }
}
