import { gatewayErrors } from './errors';
import { once } from './executions';
import type { ServerLimits } from './limits';
import type { Metrics } from './metrics';

/** The open subscriptions of a server: how many there may be. */
export class OpenSubscriptions {
  readonly #limits: ServerLimits;
  readonly #metrics: Metrics;
  readonly #ofCallers = new Map<string, number>();
  #open = 0;

  constructor(limits: ServerLimits, metrics: Metrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  /**
   * Counts a subscription of a caller.
   * @returns call it when the subscription has ended
   * @throws {GatewayError} 503 where the server has all that it can take, 429 where the caller has
   */
  open(caller: string): () => void {
    const { subscriptions, subscriptionsPerCaller } = this.#limits;
    if (this.#open >= subscriptions) throw gatewayErrors.overloaded();
    if (this.#of(caller) >= subscriptionsPerCaller) throw gatewayErrors.tooManySubscriptions(subscriptionsPerCaller);
    this.#ofCallers.set(caller, this.#of(caller) + 1);
    this.#open++;
    this.#metrics.subscriptions.inc();
    return once(() => {
      const left = this.#of(caller) - 1;
      if (left > 0) this.#ofCallers.set(caller, left);
      else this.#ofCallers.delete(caller);
      this.#open--;
      this.#metrics.subscriptions.dec();
    });
  }

  #of(caller: string): number {
    return this.#ofCallers.get(caller) ?? 0;
  }
}
