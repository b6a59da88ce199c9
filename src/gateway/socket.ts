import type { WebSocket } from '@fastify/websocket';
import type { WebSocket as Adapter } from 'graphql-ws';
import { gatewayErrorOf } from './error-answers';
import { type GatewayError, gatewayErrors } from './errors';
import type { ServerLimits } from './limits';

const PING_MS = 12_000;
const MAX_REASON_BYTES = 123;

/** graphql-transport-ws closes with codes of its own; beyond them RFC 6455's, and IANA's 1013. */
const closeCodes = new Map([
  [400, 4400],
  [401, 4403],
  [403, 4403],
  [429, 1008],
  [503, 1013],
]);

/** Whoever does not take its leave within this is cut off. */
const LEAVE_MS = 3_000;

export function closeFor(socket: WebSocket, error: GatewayError): void {
  const late = setTimeout(() => socket.terminate(), LEAVE_MS).unref();
  socket.once('close', () => clearTimeout(late));
  socket.close(closeCodes.get(error.status) ?? 1011, Buffer.from(error.message).subarray(0, MAX_REASON_BYTES));
}

type Opened = (code?: number, reason?: string) => Promise<void>;

/**
 * Connects a socket to graphql-ws, pings it, and drops it where nobody answers or what is sent is not read. While a
 * message is handled nothing else is read.
 * @param receive counts a message or a ping; false where it is one too many
 * @param open gets what lets reading go on before a message has been handled to the end
 */
export function connectSocket(
  socket: WebSocket,
  { socketBuffer }: Pick<ServerLimits, 'socketBuffer'>,
  receive: (bytes: number) => boolean,
  open: (adapter: Adapter, goOn: () => void) => Opened,
): void {
  const isRead = () => {
    if (socket.bufferedAmount <= socketBuffer) return true;
    socket.terminate();
    return false;
  };
  const send = (text: string) =>
    new Promise<void>((resolve, reject) => {
      if (socket.readyState !== socket.OPEN || !isRead()) return resolve();
      socket.send(text, (error) => (error ? reject(error) : resolve()));
    });
  // Also while it closes: the other side's last word must be read.
  const goOn = () => socket.resume();
  const closed = open(
    {
      protocol: socket.protocol,
      send,
      close: (code, reason) => socket.close(code, reason),
      // Without the payload: what a caller sends is not sent back to it at length.
      onPing: () => send('{"type":"pong"}'),
      onMessage: (handle) => {
        socket.on('message', (data: Buffer, isBinary) => {
          if (socket.readyState !== socket.OPEN || !receive(data.length)) return;
          // A text that is not UTF-8 closes the socket with 1007, as RFC 6455 says; a binary message is no text at all.
          if (isBinary) return closeFor(socket, gatewayErrors.binary());
          socket.pause();
          const fail = (error: unknown) => closeFor(socket, gatewayErrorOf(error, 0));
          handle(String(data)).catch(fail).finally(goOn);
        });
      },
    },
    goOn,
  );
  let answered = true;
  socket.on('pong', () => {
    answered = true;
    receive(0);
  });
  // The library would queue its own answers without bound.
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
