import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { type Installation, root } from './installation';
import type { Request } from './load';
import { type ServerProcess, startServer } from './server-process';

export type Headers = Readonly<Record<string, string>>;

/** What starts the product's own server. */
export const serveCommand = [join(root, 'dist', 'src', 'main.js'), 'serve'];

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
  const command = script === undefined ? serveCommand : [join(__dirname, '..', 'servers', script), ...args];
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
