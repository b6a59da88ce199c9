/** What waits for its answer. */
export interface Waiting {
  /** Whose turn it takes. */
  readonly client: string;
  /** The socket that its answer goes to. */
  readonly socket: object;
  /** Does nothing to what was answered already. */
  fail(error: unknown): void;
}

interface Client<Event> {
  /** By socket: what one socket gets in a round leaves in one write. */
  readonly waiting: Map<object, Event[]>;
  underWay: number;
}

/** The most events in a round. They keep the process for some milliseconds, and their entries are written together. */
const MOST_IN_ROUND = 128;
/** While the entries of one round are written, the next is answered. */
const ROUNDS_AT_ONCE = 2;

/**
 * Events on their way to subscribers. One change may reach thousands at once: those of a client are answered in rounds,
 * each in a turn of the client's, so that others wait for a round and not for all of them.
 */
export class EventRounds<Event extends Waiting> {
  readonly #turn: (client: string) => Promise<() => void>;
  readonly #answer: (events: readonly Event[]) => Promise<void>;
  readonly #clients = new Map<string, Client<Event>>();

  /**
   * @param turn waits for a turn of a client's; what it gives is called when the round is over
   * @param answer settles each of the events; where it rejects, those that it has not settled fail
   */
  constructor(turn: (client: string) => Promise<() => void>, answer: (events: readonly Event[]) => Promise<void>) {
    this.#turn = turn;
    this.#answer = answer;
  }

  add(event: Event): void {
    const client = this.#clients.get(event.client) ?? { waiting: new Map<object, Event[]>(), underWay: 0 };
    this.#clients.set(event.client, client);
    const ofSocket = client.waiting.get(event.socket);
    if (ofSocket) ofSocket.push(event);
    else client.waiting.set(event.socket, [event]);
    if (client.underWay < ROUNDS_AT_ONCE) void this.#round(event.client, client);
  }

  async #round(name: string, client: Client<Event>): Promise<void> {
    client.underWay++;
    const leave = await this.#turn(name).catch((error: unknown) => {
      // No turn: those who would have had it hear why.
      for (const event of taken(client.waiting)) event.fail(error);
    });
    if (leave) {
      // What the same change tells others comes in the same breath.
      await new Promise((resolve) => setImmediate(resolve));
      const events = taken(client.waiting);
      await this.#answer(events).catch((error: unknown) => {
        for (const event of events) event.fail(error);
      });
      leave();
    }
    client.underWay--;
    if (client.waiting.size > 0) void this.#round(name, client);
    else if (client.underWay === 0) this.#clients.delete(name);
  }
}

/** Takes whole sockets, the oldest first, as long as there is room. */
function taken<Event>(waiting: Map<object, Event[]>): Event[] {
  const events: Event[] = [];
  for (const [socket, those] of waiting) {
    if (events.length > 0 && events.length + those.length > MOST_IN_ROUND) break;
    waiting.delete(socket);
    events.push(...those);
  }
  return events;
}
