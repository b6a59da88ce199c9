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
  isAnonymous: boolean;
  /**
   * Counts a message or a ping.
   * @returns whether it may be handled; if not, the socket is being closed
   */
  receive(bytes: number): boolean;
}

interface Entry extends OpenSocket {
  readonly socket: WebSocket;
  readonly openedAt: number;
  messages: number;
  bytes: number;
}

/** The open WebSockets of a server: how many there may be, how long, and how fast they may send. */
export class OpenSockets {
  readonly #limits: ServerLimits;
  readonly #open = new Set<Entry>();
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
    return fromAddress >= socketsPerAddress ? gatewayErrors.tooMuch('from your address') : undefined;
  }

  /** Counts a socket until it closes. */
  add(socket: WebSocket, address: string): OpenSocket {
    const { socketMessages, socketBytes } = this.#limits;
    const entry: Entry = {
      socket,
      address,
      isAnonymous: true,
      openedAt: Date.now(),
      messages: socketMessages * BURST_S,
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
      if (this.#open.size > 0) return;
      clearInterval(this.#sweeping);
      this.#sweeping = undefined;
    });
    return entry;
  }

  /** Once a second: refills the budgets, and closes anonymous sockets that have been open too long. */
  #sweep(): void {
    const { socketMessages, socketBytes, anonymousSocketMs } = this.#limits;
    const lapsed = Date.now() - anonymousSocketMs;
    for (const entry of this.#open) {
      entry.messages = Math.min(entry.messages + socketMessages, socketMessages * BURST_S);
      entry.bytes = Math.min(entry.bytes + socketBytes, socketBytes * BURST_S);
      if (entry.isAnonymous && entry.openedAt <= lapsed) closeFor(entry.socket, gatewayErrors.anonymousTooLong());
    }
  }
}
