/** One server of a store. */
export interface Host {
  /** A name or an address. */
  readonly name: string;
  readonly port: number;
  /** The path of a Unix socket, instead of name and port. */
  readonly socket?: string;
  /** A host of a later group is used when all of the earlier ones are away. */
  readonly group: number;
}

/** Which of several hosts in a group comes first: as they are listed, or any. */
export type HostOrder = 'in-order' | 'random';

/** How long a host that failed is left alone, doubled with each failure. Milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Chooses the host of each new connection. One that failed is left alone for a while, then tried by one connection. */
export class Hosts {
  readonly all: readonly Host[];
  readonly #order: HostOrder;
  readonly #now: () => number;
  readonly #failed = new Map<Host, { times: number; until: number }>();

  constructor(all: readonly Host[], order: HostOrder, now = Date.now) {
    this.all = all;
    this.#order = order;
    this.#now = now;
  }

  /** The host for a new connection. Where all have failed, it is the one whose pause ends first. */
  next(): Host {
    const now = this.#now();
    const usable = this.all.filter((host) => (this.#failed.get(host)?.until ?? 0) <= now);
    const chosen = this.#first(usable) ?? this.#soonest();
    // Others stay away from it until this connection has shown how it is.
    const before = this.#failed.get(chosen);
    if (before) this.#pause(chosen, before.times + 1);
    return chosen;
  }

  /** Whether another host should be used. One alone is never left alone. */
  isLeftAlone(host: Host): boolean {
    return this.all.length > 1 && (this.#failed.get(host)?.until ?? 0) > this.#now();
  }

  failed(host: Host): void {
    const before = this.#failed.get(host);
    // Connections that fail together count once.
    if (before === undefined || before.until <= this.#now()) this.#pause(host, (before?.times ?? 0) + 1);
  }

  worked(host: Host): void {
    this.#failed.delete(host);
  }

  #first(usable: readonly Host[]): Host | undefined {
    const group = Math.min(...usable.map((host) => host.group));
    const best = usable.filter((host) => host.group === group);
    return best[this.#order === 'random' ? Math.floor(Math.random() * best.length) : 0];
  }

  #soonest(): Host {
    const until = (host: Host) => this.#failed.get(host)?.until ?? 0;
    return this.all.reduce((a, b) => (until(b) < until(a) ? b : a));
  }

  #pause(host: Host, times: number): void {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), LONGEST_PAUSE_MS);
    this.#failed.set(host, { times, until: this.#now() + pause });
  }
}

/** `db1:3306, db2:3306`, for messages. */
export function describeHosts(hosts: readonly Host[]): string {
  return hosts.map(describeHost).join(', ');
}

export function describeHost({ name, port, socket }: Host): string {
  return socket ?? (name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`);
}
