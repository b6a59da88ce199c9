import type { DataSource } from 'typeorm';
import { FIRST_SECRET, livingAmong, secretsOfClients, withoutFirstSecret } from '../keys/rotation/client-secrets';
import type { Regions } from '../storage/regions';
import { chunksOf } from '../storage/sql';
import { acrossClients, limitOf } from '../tenancy/tenant-sql';

const PAGE = 500;

/**
 * The clients whose rows are found by nobody: their blind indexes were made with a secret that the keys' stores do not
 * have any more. So it is where the data, or the keys, were restored from before a replacement. They have to be made
 * anew (moved-identifiers.ts).
 */
export async function strayClients(regions: Regions, keysSources: readonly DataSource[]): Promise<string[]> {
  const found = await lookedAt(regions, keysSources);
  if (found.length === 0) return found;
  // A move may have ended between two of its statements, so only what is found twice counts.
  const again = new Set(await lookedAt(regions, keysSources));
  return found.filter((client) => again.has(client));
}

/** The clients with rows that are not found, since another row has the identifier that one only may have. */
export async function clientsWithDoubles(regions: Regions, keysSources: readonly DataSource[]): Promise<string[]> {
  const found = new Set<string>();
  for (const source of regions.all())
    for await (const page of moved(source))
      for (const { client_id: client, next_id: next, changed } of page)
        if (next === null && Number(changed) > 0) found.add(client);
  return withKeys(keysSources, found);
}

async function lookedAt(regions: Regions, keysSources: readonly DataSource[]): Promise<string[]> {
  const stray = new Set<string>();
  for (const source of regions.all()) {
    for await (const page of moved(source)) {
      const living = await livingSecrets(
        keysSources,
        page.map(({ client_id }) => client_id),
      );
      for (const { client_id: client, secret_id: secret } of page)
        if (!living.get(client)?.has(secret)) stray.add(client);
    }
  }
  for (const keysSource of keysSources) {
    for (let after = ''; ; ) {
      const clients = await withoutFirstSecret(keysSource, after, PAGE);
      for (const client of await unmoved(regions, clients)) stray.add(client);
      if (clients.length < PAGE) break;
      after = clients.at(-1) ?? '';
    }
  }
  return withKeys(keysSources, stray);
}

/** Those of some clients that have keys, in the order of their ids. */
async function withKeys(keysSources: readonly DataSource[], clients: Iterable<string>): Promise<string[]> {
  const living = new Set<string>();
  for (const keysSource of keysSources)
    for (const some of chunksOf([...clients], PAGE))
      for (const client of await livingAmong(keysSource, some)) living.add(client);
  return [...living].sort();
}

interface MovedRow {
  readonly client_id: string;
  readonly secret_id: string;
  readonly next_id: string | null;
  readonly changed: number;
}

/** The clients whose rows were moved once, or are being moved. */
async function* moved(source: DataSource): AsyncGenerator<MovedRow[]> {
  for (let after = ''; ; ) {
    const page = await acrossClients(source).select<MovedRow>`
      SELECT client_id, secret_id, next_id, changed FROM identifier_move WHERE client_id > ${after}
      ORDER BY client_id LIMIT ${limitOf(PAGE)}`;
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.client_id ?? '';
  }
}

/** The secrets that clients have. One that was never replaced has its first. */
async function livingSecrets(
  keysSources: readonly DataSource[],
  clients: readonly string[],
): Promise<Map<string, Set<string>>> {
  const living = new Map<string, Set<string>>();
  const replaced = new Set<string>();
  for (const source of keysSources) {
    for (const { client, id, destroyedAt } of await secretsOfClients(source, clients)) {
      replaced.add(client);
      if (destroyedAt === undefined) living.set(client, (living.get(client) ?? new Set()).add(id));
    }
  }
  for (const client of clients) if (!replaced.has(client)) living.set(client, new Set([FIRST_SECRET]));
  return living;
}

/** Those of some clients that the data knows, and whose rows were never moved. */
async function unmoved(regions: Regions, clients: readonly string[]): Promise<string[]> {
  if (clients.length === 0) return [];
  const known = await acrossClients(regions.home).select<{ client_id: string }>`
    SELECT client_id FROM client WHERE client_id IN (${clients})`;
  const left = new Set(known.map(({ client_id: client }) => client));
  for (const source of regions.all()) {
    const rows = await acrossClients(source).select<{ client_id: string }>`
      SELECT client_id FROM identifier_move WHERE client_id IN (${clients})`;
    for (const { client_id: client } of rows) left.delete(client);
  }
  return [...left];
}
