import type { WebSocket } from '@fastify/websocket';
import type { WebSocket as Adapter } from 'graphql-ws';
import { gatewayErrorOf } from './error-answers';
import { type GatewayError, gatewayErrors } from './errors';

const PING_MS = 12_000;
const MAX_REASON_BYTES = 123;

/** graphql-transport-ws closes with codes of its own; beyond them RFC 6455's, and IANA's 1013. */
const closeCodes = new Map([
  [400, 4400],
  [401, 4403],
  [403, 4403],
  [503, 1013],
]);

export function closeFor(socket: WebSocket, error: GatewayError): void {
  socket.close(closeCodes.get(error.status) ?? 1011, Buffer.from(error.message).subarray(0, MAX_REASON_BYTES));
}

/** Connects a socket to graphql-ws, pings it, and drops it where nobody answers. */
export function connectSocket(
  socket: WebSocket,
  open: (adapter: Adapter) => (code?: number, reason?: string) => Promise<void>,
): void {
  const closed = open({
    protocol: socket.protocol,
    send: (text) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== socket.OPEN) return resolve();
        socket.send(text, (error) => (error ? reject(error) : resolve()));
      }),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (handle) => {
      socket.on('message', (data, isBinary) => {
        // A text that is not UTF-8 closes the socket with 1007, as RFC 6455 says; a binary message is no text at all.
        if (isBinary) return closeFor(socket, gatewayErrors.binary());
        handle(String(data)).catch((error: unknown) => closeFor(socket, gatewayErrorOf(error, 0)));
      });
    },
  });
  let answered = true;
  socket.on('pong', () => {
    answered = true;
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
