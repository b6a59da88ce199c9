import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { type Installation, mainOf, root } from './installation';
import type { Request } from './load';
import { type ServerProcess, startServer } from './server-process';

export type Headers = Readonly<Record<string, string>>;

/** Node's options in what `npm start` runs, which a server is measured with. */
function nodeOptions(checkout: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}

/** What starts the server of a built checkout. */
export const serveCommand = (checkout = root): string[] => [...nodeOptions(checkout), mainOf(checkout), 'serve'];

/** The port in the line that `remit serve` logs when it listens. */
export function portOfRemit(line: string): number | undefined {
  const found = /127\.0\.0\.1:(\d+)|localhost:(\d+)|0\.0\.0\.0:(\d+)|"port":(\d+)/.exec(line);
  return found ? Number(found.slice(1).find(Boolean)) : undefined;
}

/** Starts Remit, or a variant of it: a script of `servers/` with its arguments. */
export function startRemit(
  { env, folder }: Installation,
  name = 'remit',
  variant?: readonly string[],
): Promise<ServerProcess> {
  const [script, ...args] = variant ?? [];
  const variantOf = (file: string) => [...nodeOptions(root), join(__dirname, '..', 'servers', file), ...args];
  const command = script === undefined ? serveCommand() : variantOf(script);
  return startServer(name, command, env, folder, portOfRemit);
}

/** Sample customers of one client. @returns its slug */
export async function seed(installation: Installation, customers: number): Promise<string> {
  const seeded = await installation.remit('seed', '--customers', String(customers), '--clients', '1', '--json');
  const { clients } = JSON.parse(seeded) as { clients: Array<{ slug: string }> };
  const [client] = clients;
  if (!client) throw new Error('the seed made no client');
  return client.slug;
}

/** All live where the caller reads: what transfers cost is another set's to measure. */
export async function everyoneIn(country: string, url: string): Promise<void> {
  const connection = await createConnection(url);
  await connection.query('UPDATE customer SET residency = ?', [country]);
  await connection.end();
}

/** Headers of the client's own app in Germany. */
export async function appOf(
  installation: Installation,
  slug: string,
  purpose: string,
  subject?: string,
): Promise<Headers> {
  const named = subject === undefined ? [] : ['--sub', subject];
  const who = ['--role', 'CLIENT_APP', '--client', slug, '--purpose', purpose, '--country', 'DE', ...named];
  const token = (await installation.remit('token', ...who)).trim();
  return { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'processing-purpose': purpose };
}

export function post(headers: Headers, query: string, variables?: Record<string, unknown>): Request {
  return { method: 'POST', path: '/graphql', headers, body: JSON.stringify({ query, variables }) };
}
