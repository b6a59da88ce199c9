import type { DataSource } from 'typeorm';
import { dialectOf } from '../storage/dialect';
import { Remembered } from '../storage/remembered';
import { acrossClients, joined, name, type Sql, sql } from '../tenancy/tenant-sql';

/** Told that work in a database will be due at a time, in milliseconds since 1970. Its transaction may still run. */
export type OnScheduled = (source: DataSource, at: number) => void;

export interface DueWorkOptions {
  readonly now?: () => number;
  /** A clock that only goes forward, in milliseconds. */
  readonly clock?: () => number;
  /** From 0 to 1, below 1: spreads the looks of processes that were started together. */
  readonly random?: () => number;
}

/** The pause after the first look that finds nothing; each later one is twice as long. Milliseconds. */
const SHORTEST_MS = 250;
/** The longest pause between looks at a server. Milliseconds. */
const LONGEST_MS = 10_000;
/** The same for the embedded database, where a look costs next to nothing. */
const LONGEST_EMBEDDED_MS = 1_000;
/** The shortest wait for work that is known to come. */
const LEAST_MS = 50;
/** After a look that failed. */
const AFTER_FAILURE_MS = 1_000;
const JITTER = 0.1;

/** What a worker of one kind asks. */
export type Due<Kind extends string> = Pick<DueWork<Kind>, 'isDue' | 'again'>;

/** What is known of one database. */
interface Known {
  /** When to look again, by the clock. */
  lookAt: number;
  pause: number;
  /** When the first work of each kind is due. A kind that was taken up is unknown until the next look. */
  due: Map<string, number>;
  /** Why the last look failed. */
  fault: { readonly error: unknown } | undefined;
}

/**
 * Finds out where work is due. One statement asks a database for every kind of work together. While nothing is due, it
 * asks less and less often, so that idle processes leave the databases alone. Whoever schedules work in this process
 * says so with {@link expect}, and it is looked for at once.
 */
export class DueWork<Kind extends string = string> {
  readonly #sources: () => readonly DataSource[];
  readonly #question: Sql;
  readonly #kinds: readonly Kind[];
  readonly #now: () => number;
  readonly #clock: () => number;
  readonly #random: () => number;
  readonly #known = new Map<DataSource, Known>();
  readonly #looks = new Remembered((source: DataSource) => this.#look(source));
  readonly #onSooner: Array<() => void> = [];

  /** @param kinds for each kind of work, a SELECT of when the first of it is due */
  constructor(
    sources: () => readonly DataSource[],
    kinds: Readonly<Record<Kind, Sql>>,
    { now = Date.now, clock = () => performance.now(), random = Math.random }: DueWorkOptions = {},
  ) {
    this.#sources = sources;
    this.#kinds = Object.keys(kinds) as Kind[];
    this.#question = joined(
      this.#kinds.map((kind) => sql`(${kinds[kind]}) AS ${name(kind)}`),
      ', ',
    );
    this.#now = now;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Whether work of a kind is due in a database, as far as is known. Looks when it is time to. Whoever is told so takes
   * the work up: the next look says whether there is more.
   * @throws what the last look failed with
   */
  async isDue(source: DataSource, kind: Kind): Promise<boolean> {
    const known = this.#knownOf(source);
    if (this.#clock() >= known.lookAt) await this.#lookOnce(source);
    if (known.fault) throw known.fault.error;
    const at = known.due.get(kind);
    if (at === undefined || at > this.#now()) return false;
    known.due.delete(kind);
    return true;
  }

  /** There may be more: looks at a database again at once. */
  again(source: DataSource): void {
    this.#lookWithin(source, 0);
  }

  /** Work will be due at a time. */
  readonly expect: OnScheduled = (source, at) => {
    this.#lookWithin(source, Math.max(LEAST_MS, at - this.#now()));
    for (const end of this.#onSooner) end();
  };

  /** How long there is nothing to do, in milliseconds. */
  pauseMs(): number {
    const next = Math.min(...this.#sources().map((source) => this.#knownOf(source).lookAt));
    // While somebody looks it is not known yet. No timer waits for ever: it would fire at once.
    return next === Number.POSITIVE_INFINITY ? SHORTEST_MS : Math.max(0, next - this.#clock());
  }

  /** @param end called when work is expected sooner than `pauseMs` said */
  onSooner(end: () => void): void {
    this.#onSooner.push(end);
  }

  #lookWithin(source: DataSource, ms: number): void {
    const known = this.#knownOf(source);
    const at = this.#clock() + ms;
    if (at >= known.lookAt) return;
    known.lookAt = at;
    known.pause = SHORTEST_MS;
  }

  #knownOf(source: DataSource): Known {
    const known = this.#known.get(source) ?? { lookAt: 0, pause: SHORTEST_MS, due: new Map(), fault: undefined };
    this.#known.set(source, known);
    return known;
  }

  /** Shares a look that is under way. */
  async #lookOnce(source: DataSource): Promise<void> {
    const look = this.#looks.get(source);
    await look.finally(() => this.#looks.forget(source, look)).catch(() => undefined);
  }

  async #look(source: DataSource): Promise<void> {
    const known = this.#knownOf(source);
    // What is expected while the answer is on its way must be looked for after it.
    known.lookAt = Number.POSITIVE_INFINITY;
    try {
      const [row] = await acrossClients(source).select<Record<string, number | null>>`SELECT ${this.#question}`;
      known.fault = undefined;
      known.due = new Map(this.#kinds.map((kind) => [kind, Number(row?.[kind] ?? Number.POSITIVE_INFINITY)]));
      const first = Math.min(...known.due.values()) - this.#now();
      known.lookAt = Math.min(known.lookAt, this.#clock() + this.#pauseUntil(source, known, first));
    } catch (error) {
      known.fault = { error };
      known.due.clear();
      known.lookAt = this.#clock() + AFTER_FAILURE_MS;
    }
  }

  #pauseUntil(source: DataSource, known: Known, first: number): number {
    const longest = dialectOf(source).embedded ? LONGEST_EMBEDDED_MS : LONGEST_MS;
    const pause = first <= 0 ? SHORTEST_MS : known.pause;
    known.pause = Math.min(2 * pause, longest);
    const spread = Math.min(pause, longest) * (1 - JITTER + 2 * JITTER * this.#random());
    return first <= 0 ? spread : Math.min(spread, Math.max(LEAST_MS, first));
  }
}
