import { gatewayErrors } from './errors';
import { once } from './executions';
import type { ServerLimits } from './limits';
import type { Metrics } from './metrics';

/** Events of a caller that are answered side by side, in one of the caller's turns. */
interface Batch {
  joined: number;
  left: number;
  readonly turn: Promise<() => void>;
}

interface Held {
  open: number;
  /** The batch that further events join. */
  batch: Batch | undefined;
}

/** The most events of a caller that share a turn. */
const BATCH = 16;

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
   * Waits until an event of a caller may be answered. One change may reach all subscriptions of a caller at once: its
   * events share turns, so that they are few beside its operations, and look up rights together.
   * @param take waits for a turn of the caller
   * @returns call it when the event is answered
   */
  async turn(caller: string, take: () => Promise<() => void>): Promise<() => void> {
    const held = this.#of(caller);
    const batch = held.batch ?? { joined: 0, left: 0, turn: take() };
    batch.joined++;
    held.batch = batch.joined < BATCH ? batch : undefined;
    const leave = once(() => {
      batch.left++;
      if (batch.left < batch.joined) return;
      // Nobody joins a turn that has ended.
      if (held.batch === batch) held.batch = undefined;
      batch.turn.then(
        (end) => end(),
        () => undefined,
      );
      this.#forget(caller, held);
    });
    await batch.turn.catch((error: unknown) => {
      leave();
      throw error;
    });
    return leave;
  }

  #of(caller: string): Held {
    const held = this.#held.get(caller) ?? { open: 0, batch: undefined };
    this.#held.set(caller, held);
    return held;
  }

  #forget(caller: string, held: Held): void {
    if (held.open === 0 && !held.batch && this.#held.get(caller) === held) this.#held.delete(caller);
  }
}
