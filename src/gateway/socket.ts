import type { Duplex } from 'node:stream';
import type { WebSocket } from '@fastify/websocket';
import type { WebSocket as Adapter } from 'graphql-ws';
import { gatewayErrorOf } from './error-answers';
import { type GatewayError, gatewayErrors } from './errors';
import type { ServerLimits } from './limits';

const PING_MS = 12_000;
const MAX_REASON_BYTES = 123;

/** Close codes of graphql-transport-ws, then RFC 6455's, and IANA's 1013. */
const closeCodes = new Map([
  [400, 4400],
  [401, 4403],
  [403, 4403],
  [429, 1008],
  [503, 1013],
]);

/** A peer that does not complete the closing handshake in this time is cut off. */
const LEAVE_MS = 3_000;

export function closeFor(socket: WebSocket, error: GatewayError): void {
  const late = setTimeout(() => socket.terminate(), LEAVE_MS).unref();
  socket.once('close', () => clearTimeout(late));
  socket.close(closeCodes.get(error.status) ?? 1011, Buffer.from(error.message).subarray(0, MAX_REASON_BYTES));
}

type Closed = (code?: number, reason?: string) => Promise<void>;

/** What an opened socket can do besides what graphql-ws knows. */
export interface SocketParts {
  /** Resumes reading before a message is fully handled. */
  readonly goOn: () => void;
  /** Resolves once the text has left. What is sent in one turn of the event loop leaves in one write. */
  readonly send: (text: string) => Promise<void>;
}

/**
 * Connects a socket to graphql-ws. It pings the peer, and cuts it off where it does not answer or does not read. While
 * a message is handled, nothing else is read.
 * @param connection what the socket runs over
 * @param receive counts a message or a ping; false where it exceeds the limit
 */
export function connectSocket(
  socket: WebSocket,
  connection: Duplex,
  { socketBuffer }: Pick<ServerLimits, 'socketBuffer'>,
  receive: (bytes: number) => boolean,
  open: (adapter: Adapter, parts: SocketParts) => Closed,
): void {
  const isRead = () => {
    if (socket.bufferedAmount <= socketBuffer) return true;
    socket.terminate();
    return false;
  };
  const send = (text: string) =>
    new Promise<void>((resolve, reject) => {
      if (socket.readyState !== socket.OPEN || !isRead()) return resolve();
      together(connection);
      socket.send(text, (error) => (error ? reject(error) : resolve()));
    });
  // Also while it closes: the peer's closing frame must be read.
  const goOn = () => socket.resume();
  const closed = open(
    {
      protocol: socket.protocol,
      send,
      close: (code, reason) => socket.close(code, reason),
      // Without the payload, so that a caller's bytes are not echoed.
      onPing: () => send('{"type":"pong"}'),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer, isBinary) => {
          if (socket.readyState !== socket.OPEN || !receive(data.length)) return;
          // The library closes with 1007 on text that is not UTF-8 (RFC 6455). Binary messages are refused here.
          if (isBinary) return closeFor(socket, gatewayErrors.binary());
          socket.pause();
          const fail = (error: unknown) => closeFor(socket, gatewayErrorOf(error, 0));
          handle(String(data)).catch(fail).finally(goOn);
        });
      },
    },
    { goOn, send },
  );
  let answered = true;
  socket.on('pong', () => {
    answered = true;
    receive(0);
  });
  // The library's automatic pongs would queue without limit.
  socket.on('ping', (data: Buffer) => {
    if (socket.readyState === socket.OPEN && receive(data.length) && isRead()) socket.pong(data);
  });
  const pings = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, PING_MS);
  socket.once('close', (code, reason) => {
    clearInterval(pings);
    closed(code, String(reason)).catch(() => undefined);
  });
}

/** Keeps back what is written until everything else of this turn has run. */
function together(connection: Duplex): void {
  if (connection.writableCorked > 0) return;
  connection.cork();
  process.nextTick(() => connection.uncork());
}
