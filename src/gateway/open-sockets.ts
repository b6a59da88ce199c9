import type { WebSocket } from '@fastify/websocket';
import { type GatewayError, gatewayErrors } from './errors';
import type { ServerLimits } from './limits';
import { closeFor } from './socket';

const SWEEP_MS = 1_000;
/** A burst may be this many seconds' worth of the limit. */
const BURST_S = 10;

/** One open WebSocket and its budget. */
export interface OpenSocket {
  readonly address: string;
  /** True until a token was shown. */
  readonly isAnonymous: boolean;
  /** A token was shown. The socket is closed when it is no longer accepted, whether anything happens on it or not. */
  know(expiresAt: number | undefined): void;
  /**
   * Counts a message or a ping.
   * @returns whether it may be handled; if not, the socket is being closed
   */
  receive(bytes: number): boolean;
}

interface Entry extends OpenSocket {
  readonly socket: WebSocket;
  readonly openedAt: number;
  expiresAt: number;
  isAnonymous: boolean;
  messages: number;
  bytes: number;
}

/** The open WebSockets of a server: how many there may be, how long, and how fast they may send. */
export class OpenSockets {
  readonly #limits: ServerLimits;
  readonly #open = new Set<Entry>();
  /** How many more sockets each address may open at once; one that may open all is not in it. */
  readonly #openings = new Map<string, number>();
  #sweeping: NodeJS.Timeout | undefined;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** Why another socket from this address is refused; undefined where it is not. */
  refusal(address: string): GatewayError | undefined {
    const { sockets, socketsPerAddress, anonymousSockets } = this.#limits;
    let fromAddress = 0;
    let anonymous = 0;
    for (const entry of this.#open) {
      if (entry.address === address) fromAddress++;
      if (entry.isAnonymous) anonymous++;
    }
    if (this.#open.size >= sockets || anonymous >= anonymousSockets) return gatewayErrors.overloaded();
    const isTooMuch = fromAddress >= socketsPerAddress || this.#openings.get(address) === 0;
    return isTooMuch ? gatewayErrors.tooMuch('from your address') : undefined;
  }

  /** Counts a socket until it closes. */
  add(socket: WebSocket, address: string): OpenSocket {
    const { socketMessages, socketBytes, anonymousSocketMessages, socketOpenings } = this.#limits;
    this.#openings.set(address, (this.#openings.get(address) ?? socketOpenings * BURST_S) - 1);
    const entry: Entry = {
      socket,
      address,
      isAnonymous: true,
      openedAt: Date.now(),
      expiresAt: Number.POSITIVE_INFINITY,
      messages: anonymousSocketMessages,
      know: (expiresAt = Number.POSITIVE_INFINITY) => {
        entry.isAnonymous = false;
        entry.expiresAt = expiresAt;
        entry.messages = socketMessages * BURST_S;
      },
      bytes: socketBytes * BURST_S,
      receive: (bytes) => {
        entry.messages--;
        entry.bytes -= bytes;
        if (entry.messages >= 0 && entry.bytes >= 0) return true;
        closeFor(socket, gatewayErrors.tooFast());
        return false;
      },
    };
    this.#open.add(entry);
    this.#sweeping ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    socket.once('close', () => {
      this.#open.delete(entry);
    });
    return entry;
  }

  /** Once a second: refills the budgets of sockets and addresses, and closes sockets whose time is over. */
  #sweep(): void {
    const { socketMessages, socketBytes, anonymousSocketMs, socketOpenings } = this.#limits;
    for (const [address, left] of this.#openings) {
      if (left + socketOpenings < socketOpenings * BURST_S) this.#openings.set(address, left + socketOpenings);
      else this.#openings.delete(address);
    }
    const now = Date.now();
    const lapsed = now - anonymousSocketMs;
    for (const entry of this.#open) {
      if (!entry.isAnonymous) entry.messages = Math.min(entry.messages + socketMessages, socketMessages * BURST_S);
      entry.bytes = Math.min(entry.bytes + socketBytes, socketBytes * BURST_S);
      if (entry.socket.readyState !== entry.socket.OPEN) continue;
      if (entry.isAnonymous && entry.openedAt <= lapsed) closeFor(entry.socket, gatewayErrors.anonymousTooLong());
      else if (entry.expiresAt <= now) closeFor(entry.socket, gatewayErrors.expired());
    }
    if (this.#open.size + this.#openings.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }
}
