import { gatewayErrors } from './errors';
import { once } from './executions';
import type { ServerLimits } from './limits';
import type { Metrics } from './metrics';

interface Held {
  open: number;
  /** Events being answered. */
  running: number;
  /** Events that wait for their turn, oldest first. */
  readonly waiting: Array<() => void>;
}

/** The open subscriptions of a server: how many there may be, and whose events are answered when. */
export class OpenSubscriptions {
  readonly #limits: ServerLimits;
  readonly #metrics: Metrics;
  readonly #held = new Map<string, Held>();
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
    const held = this.#of(caller);
    if (held.open >= subscriptionsPerCaller) throw gatewayErrors.tooManySubscriptions(subscriptionsPerCaller);
    held.open++;
    this.#open++;
    this.#metrics.subscriptions.inc();
    return once(() => {
      held.open--;
      this.#open--;
      this.#metrics.subscriptions.dec();
      this.#forget(caller, held);
    });
  }

  /**
   * Waits until an event of a caller may be answered. One change may reach all subscriptions of a caller at once: as
   * many are answered together as of its operations, and none is refused because others wait.
   * @returns call it when the event is answered
   */
  async turn(caller: string): Promise<() => void> {
    const held = this.#of(caller);
    if (held.running < this.#limits.executionsPerCaller) held.running++;
    else await new Promise<void>((resolve) => held.waiting.push(resolve));
    return once(() => {
      const next = held.waiting.shift();
      if (next) {
        next();
        return;
      }
      held.running--;
      this.#forget(caller, held);
    });
  }

  #of(caller: string): Held {
    const held = this.#held.get(caller) ?? { open: 0, running: 0, waiting: [] };
    this.#held.set(caller, held);
    return held;
  }

  #forget(caller: string, held: Held): void {
    if (held.open === 0 && held.running === 0 && this.#held.get(caller) === held) this.#held.delete(caller);
  }
}
