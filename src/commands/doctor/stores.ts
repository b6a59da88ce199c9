import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { describeHosts, type Host } from '../../connections/hosts';
import { DAY_MS } from '../../law/calendar';
import { serverValues } from '../../storage/server-values';
import type { StoreAddress } from '../../storage/store-url';
import { attention, type Check, type Finding, fault, ok } from './finding';
import type { Store } from './patient';

const SOON_DAYS = 30;
const REACHED_MS = 2_000;

/** Whether every store answers, and who could listen on the way to it. */
export const stores: Check = {
  name: 'stores',
  look: async ({ stores: all }) => (await Promise.all(all.map(answers))).flat(),
};

async function answers(store: Store): Promise<Finding[]> {
  const { variable, address, source } = store;
  if (source) {
    return [ok(`${variable}: ${placeOf(address)} answers`), ...(await hostsAway(store)), ...(await wayTo(store))];
  }
  const says = store.fault ?? 'it is away';
  if (address.kind === 'sqlite' && /there is no such file/.test(says)) {
    return [attention(`${variable}: there is no file ${address.path} yet`, 'a server makes it when it starts')];
  }
  return [fault(says.startsWith(variable) ? says : `${variable}: ${says}`, 'bring it back; the server needs it')];
}

export const placeOf = (address: StoreAddress): string =>
  address.kind === 'sqlite' ? address.path : describeHosts(address.hosts);

/** One of several hosts that is away is not felt, until the next one is. */
async function hostsAway({ variable, address }: Store): Promise<Finding[]> {
  if (address.kind === 'sqlite' || address.hosts.length < 2) return [];
  const reached = await Promise.all(address.hosts.map(canBeReached));
  const away = address.hosts.filter((_, place) => !reached[place]);
  if (away.length === 0) return [];
  return [
    attention(`${variable}: ${describeHosts(away)} cannot be reached`, 'bring it back: the others carry its load'),
  ];
}

async function canBeReached({ name: host, port }: Host): Promise<boolean> {
  const socket = connect({ host, port, timeout: REACHED_MS });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(REACHED_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Whether the connection to a server is encrypted, and how long its certificate is good for. */
async function wayTo({ variable, address, source }: Store): Promise<Finding[]> {
  if (address.kind === 'sqlite' || source === undefined) return [];
  const status = await serverValues(source, 'STATUS', ['ssl_cipher', 'ssl_server_not_after']);
  if (!status.ssl_cipher) {
    if (address.hosts.every(isThisMachine)) return [];
    const says = `${variable}: what goes to ${placeOf(address)} is not encrypted`;
    return [attention(says, 'add ?ssl=true to the URL, and give the server a certificate')];
  }
  const end = Date.parse(status.ssl_server_not_after ?? '');
  if (Number.isNaN(end) || end - Date.now() > SOON_DAYS * DAY_MS) return [];
  const says = `${variable}: the server's certificate ends on ${new Date(end).toISOString().slice(0, 10)}`;
  return [attention(says, 'renew it; after that day nothing connects any more')];
}

const isThisMachine = ({ name }: Host): boolean =>
  name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
