import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Faults } from './faults';

/** MySQL's protocol: a command begins with a packet number 0; these carry statements. */
const STATEMENTS = new Set([0x03, 0x17]);
const DEADLOCK = 1213;

/**
 * A relay that understands MySQL's packets, between a process and its server. It can answer a statement with a
 * deadlock, cut the connection before the statement arrives or after the server has answered it, or let nothing through
 * any more.
 */
export async function serverFaults(server: string): Promise<Faults> {
  const target = new URL(server);
  let armed: { kind: string; at: number } | undefined;
  let count = 0;
  let struck: string | undefined;
  const sockets = new Set<Socket>();

  const relay = createServer((client) => {
    if (armed?.kind === 'AWAY' && count >= armed.at) return void client.resetAndDestroy();
    const upstream = connect(Number(target.port), target.hostname);
    let cutsAtAnswer = false;
    let isReady = false;
    let unread = Buffer.alloc(0);
    const cut = () => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    /** @returns whether the packet goes on to the server */
    const asked = (packet: Buffer): boolean => {
      // The first packet of a connection is its login, number 1 or 2.
      if (packet[3] !== 0 || !STATEMENTS.has(packet[4] as number)) return true;
      const number = ++count;
      if (!armed || number < armed.at) return true;
      const { kind } = armed;
      if (kind !== 'AWAY') armed = undefined;
      const sql = packet.subarray(5).toString('latin1');
      if (struck === undefined || sql === 'COMMIT') struck = sql;
      if (kind === 'LOST_ANSWER') {
        cutsAtAnswer = true;
        return true;
      }
      if (kind === 'DEADLOCK') {
        // A real one has ended the transaction.
        rollBackThen(() => client.write(errorPacket(DEADLOCK, '40001', 'Deadlock found when trying to get lock')));
        return false;
      }
      cut();
      return false;
    };
    let swallows: (() => void) | undefined;
    const rollBackThen = (then: () => void) => {
      swallows = then;
      const sql = Buffer.from('\x03ROLLBACK');
      upstream.write(Buffer.concat([Buffer.from([sql.length, 0, 0, 0]), sql]));
    };
    client.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes]);
      while (unread.length >= 4) {
        const length = unread.readUIntLE(0, 3) + 4;
        if (unread.length < length) return;
        const packet = unread.subarray(0, length);
        unread = unread.subarray(length);
        if (isReady && !asked(packet)) continue;
        isReady = true;
        upstream.write(packet);
      }
    });
    upstream.on('data', (bytes) => {
      if (cutsAtAnswer) return cut();
      const then = swallows;
      swallows = undefined;
      if (then) then();
      else client.write(bytes);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        sockets.delete(one);
      });
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const { port } = relay.address() as AddressInfo;

  return {
    kinds: ['DEADLOCK', 'CUT', 'LOST_ANSWER', 'AWAY'],
    arm: (kind, at) => {
      count = 0;
      struck = undefined;
      armed = { kind, at };
    },
    disarm: () => {
      armed = undefined;
      return { count, struck };
    },
    through: (url) => {
      const through = new URL(url);
      through.port = String(port);
      return through.href;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      relay.close();
      await once(relay, 'close');
    },
  };
}

function errorPacket(number: number, state: string, message: string): Buffer {
  const body = Buffer.concat([
    Buffer.from([0xff, number & 0xff, number >> 8]),
    Buffer.from(`#${state}${message}`, 'latin1'),
  ]);
  return Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, 1]), body]);
}
