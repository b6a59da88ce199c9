import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keptHeads } from '../../src/audit/log/checkpoint-store';
import { verifyLedger } from '../../src/audit/verification/verification';
import { signDevelopmentToken } from '../../src/identity/development-keys';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { createServices } from '../../src/services';
import { migrateStores, openStores } from '../../src/stores';
import { startRemit } from '../support/cli';
import { databases } from '../support/databases';

/** 20 kills in all. */
const KILLS = { SQLite: 12, MariaDB: 8 };
const CONNECTIONS = 8;
const names = '{ customers(first: 5) { nodes { id firstName } } }';

describe.each(databases)('SIGKILL under load on $name (statement G1)', ({ name, create }) => {
  test(`${KILLS[name]} times: every answer that a caller received has its entry, and all of it verifies`, async () => {
    const database = await create();
    const folder = mkdtempSync(join(tmpdir(), 'remit-crash-'));
    const masterKeyFile = join(folder, 'master.key');
    await generateMasterKeyFile(masterKeyFile);
    const { databaseUrl, keysDatabaseUrl } = database;
    const config = { databaseUrl, keysDatabaseUrl, regionalDatabaseUrls: {}, masterKeyFile, production: false };
    await migrateStores(config);
    const stores = await openStores(config, { poolSize: 2 });
    try {
      const { clients, customers } = createServices(stores);
      const client = await clients.register({ slug: 'acme', name: 'Acme' }, 'test');
      for (const firstName of ['Ada', 'Bob', 'Cy']) await customers.create(client.id, { firstName }, 'test');
      const token = await signDevelopmentToken(
        { subject: 'app', tenant: 'acme', roles: ['CLIENT_APP'], purposes: ['SUPPORT'] },
        join(folder, 'data', 'dev-jwt.key.json'),
      );
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        'processing-purpose': 'SUPPORT',
      };
      const env = {
        DATABASE_URL: databaseUrl,
        KEYS_DATABASE_URL: keysDatabaseUrl,
        REMIT_MASTER_KEY_FILE: masterKeyFile,
        PORT: '0',
        LOG_LEVEL: 'info',
      };
      const received: string[] = [];
      // While one is killed the next one starts: they are replicas, each with a log of its own.
      let next = startServer(folder, env);
      for (let kill = 1; kill <= KILLS[name]; kill++) {
        const server = await next;
        if (kill < KILLS[name]) next = startServer(folder, env);
        received.push(...(await killedUnderLoad(server, headers, 60 + ((kill * 37) % 200))));
      }
      expect(received.length).toBeGreaterThan(KILLS[name] * CONNECTIONS);

      const { publicKey } = await createServices(stores).ledger.signer();
      const { heads } = await keptHeads(stores.keysSource, publicKey);
      const report = await verifyLedger([stores.regions.home], { publicKey, witnessed: heads, anchored: [] });
      expect(report.findings).toEqual([]);
      expect(report.logs.length).toBeGreaterThanOrEqual(KILLS[name]);
      const rows = await stores.regions.home.query<Array<{ entry_id: string }>>('SELECT entry_id FROM audit_entry');
      const written = new Set(rows.map((row) => row.entry_id));
      expect(received.filter((id) => !written.has(id))).toEqual([]);
    } finally {
      await stores.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});

interface Server {
  readonly url: string;
  kill(): Promise<void>;
}

async function startServer(cwd: string, env: Record<string, string>): Promise<Server> {
  const server = startRemit(['serve'], { cwd, env });
  const exited = once(server, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    server.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+\/graphql/.exec(output);
      if (found) resolve(found[0]);
    });
    exited.then(() => reject(new Error(`the server did not start: ${output}`)));
  });
  const kill = async () => {
    server.kill('SIGKILL');
    await exited;
  };
  return { url, kill };
}

/** Asks a server from several connections, and kills it amid that. @returns the ids that callers received */
async function killedUnderLoad(server: Server, headers: Record<string, string>, afterMs: number): Promise<string[]> {
  const received: string[] = [];
  let running = true;
  const ask = async () => {
    while (running) {
      try {
        const body = JSON.stringify({ query: names });
        const response = await fetch(server.url, { method: 'POST', headers, body });
        const { data, extensions } = (await response.json()) as {
          data: { customers: { nodes: unknown[] } } | null;
          extensions: { governance: { auditId: string } };
        };
        if (data?.customers.nodes.length === 3) received.push(extensions.governance.auditId);
      } catch {
        running = false;
      }
    }
  };
  const load = Array.from({ length: CONNECTIONS }, ask);
  // Answers that are not right are not counted: without an end to the waiting they would hold the test for good.
  const deadline = Date.now() + 20_000;
  while (received.length < CONNECTIONS && running && Date.now() < deadline) await sleep(5);
  await sleep(afterMs);
  await server.kill();
  running = false;
  await Promise.all(load);
  return received;
}
