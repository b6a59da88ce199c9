import { join } from 'node:path';
import { type Installation, install } from './installation';
import { ask, type Request } from './load';
import { copyToPlain } from './plain-copy';
import { appOf, everyoneIn, type Headers, post, seed, startRemit } from './remit';
import { type ServerProcess, startServer } from './server-process';
import type { Work } from './work';

/** Those that Apollo's standalone server serves, at the root. */
const atRoot: ReadonlySet<string> = new Set(['apollo', 'graphql-shield', 'type-graphql']);

/** Remit and the others over the same data, all of them started. */
export interface SideBySide {
  readonly installation: Installation;
  readonly remit: ServerProcess;
  /** Remit first. */
  readonly servers: readonly ServerProcess[];
  readonly slug: string;
  /** Of the client's app, for the purpose that reads everything. */
  readonly headers: Headers;
  readonly sample: { readonly id: string; readonly email: string };
  stop(): Promise<void>;
}

/** @param peers the hand-written handler first, which the data is compared to */
export async function sideBySide(customers: number, peers: readonly string[]): Promise<SideBySide> {
  const installation = await install();
  const servers: ServerProcess[] = [];
  const stop = async () => {
    for (const server of servers) await server.stop();
    await installation.remove();
  };
  try {
    const slug = await seed(installation, customers);
    await everyoneIn('DE', installation.urls.data);
    const remit = await startRemit(installation);
    servers.push(remit);
    const headers = await appOf(installation, slug, 'SERVICE_DELIVERY');
    const sample = await copyToPlain(installation, remit, headers);
    const script = join(__dirname, '..', 'servers', 'peer.js');
    for (const peer of peers) {
      const command = [script, peer, installation.urls.plain];
      servers.push(await startServer(peer, command, { NODE_ENV: 'production' }, installation.folder, Number));
    }
    return { installation, remit, servers, slug, headers, sample, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A work as one of the servers is asked for it. */
export function requestOf(server: string, { document, variables, floorPath }: Work, headers: Headers): Request {
  if (server === 'floor') return { method: 'GET', path: floorPath, headers: {} };
  if (server === 'remit') return post(headers, document, variables);
  const request = post({ 'content-type': 'application/json' }, document, variables);
  return atRoot.has(server) ? { ...request, path: '/' } : request;
}

/** Every server's data, compared to the floor's byte by byte; what comes after `data` may differ. */
export async function sameData(servers: readonly ServerProcess[], work: Work, headers: Headers): Promise<string> {
  const answers = await Promise.all(servers.map((server) => ask(server, requestOf(server.name, work, headers))));
  const texts = answers.map(({ data, errors }) => JSON.stringify({ data, errors }));
  const reference = texts[servers.findIndex(({ name }) => name === 'floor')] ?? '';
  for (const [index, text] of texts.entries()) {
    if (text === reference) continue;
    const begins = `${text.slice(0, 400)} / ${reference.slice(0, 400)}`;
    throw new Error(`${servers[index]?.name} answers otherwise than the floor: ${begins}`);
  }
  return reference.slice(0, -1);
}
