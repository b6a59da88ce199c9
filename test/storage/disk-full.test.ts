import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import Database from 'better-sqlite3';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { root } from '../support/root';

const built = (path: string) => JSON.stringify(join(root, 'dist/src', path));

/** Creates customers on demand, in a process that can be killed. SQLite's limit of pages is a disk that is full. */
const creating = `
require('reflect-metadata');
const { openStores } = require(${built('stores.js')});
const { createServices } = require(${built('services.js')});
const { embeddedDatabaseOf } = require(${built('storage/dialect.js')});
const { failureOf } = require(${built('storage/failures.js')});
(async () => {
  const [databaseUrl, keysDatabaseUrl, masterKeyFile] = process.argv.slice(1);
  const stores = await openStores({
    databaseUrl, keysDatabaseUrl, masterKeyFile, regionalDatabaseUrls: {}, production: false,
  });
  const { clients, customers } = createServices(stores);
  const client = (await clients.find('acme')) ?? (await clients.register({ slug: 'acme', name: 'Acme' }, 'test'));
  const stored = { data: stores.regions.home, keys: stores.keysSource };
  const done = (answer) => process.stdout.write(JSON.stringify(answer) + '\\n');
  const acts = {
    create: () => customers.create(client.id, { firstName: 'Ada', residency: 'DE' }, 'test'),
    fill: async (which) => {
      const database = embeddedDatabaseOf(stored[which]);
      return database.pragma('max_page_count = ' + database.pragma('page_count', { simple: true }));
    },
    free: async (which) => embeddedDatabaseOf(stored[which]).pragma('max_page_count = 1000000'),
  };
  for await (const line of require('node:readline').createInterface({ input: process.stdin })) {
    const [act, which] = line.split(' ');
    await acts[act](which).then((id) => done({ id }), (error) => done({ failure: failureOf(error) ?? String(error) }));
  }
})().catch((error) => { console.error(error); process.exit(1); });
`;

interface Answer {
  readonly id?: string;
  readonly failure?: string;
}

describe.each(['data', 'keys'] as const)('a full disk under the %s', (which) => {
  let folder: string;
  let child: ChildProcess;
  let lines: AsyncIterator<string>;
  let reading: Interface;

  const start = () => {
    const urls = ['data', 'keys'].map((name) => `sqlite:${join(folder, `${name}.db`)}`);
    child = spawn(process.execPath, ['-e', creating, ...urls, join(folder, 'master.key')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    reading = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> });
    lines = reading[Symbol.asyncIterator]();
  };
  const ask = async (act: string): Promise<Answer> => {
    child.stdin?.write(`${act}\n`);
    return JSON.parse((await lines.next()).value) as Answer;
  };
  const kill = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    reading.close();
  };
  /** As another connection sees it. */
  const kept = (store: 'data' | 'keys', sql: string): unknown[] => {
    const database = new Database(join(folder, `${store}.db`), { readonly: true });
    try {
      return database.prepare(sql).pluck().all();
    } finally {
      database.close();
    }
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'remit-full-'));
    await generateMasterKeyFile(join(folder, 'master.key'));
    start();
  });
  afterEach(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test('case full-disk: what is acknowledged before, meanwhile and afterwards survives a SIGKILL', async () => {
    const acknowledged: string[] = [];
    const create = async () => {
      const { id, failure } = await ask('create');
      if (id !== undefined) acknowledged.push(id);
      return failure;
    };
    expect(await create()).toBeUndefined();
    await ask(`fill ${which}`);
    const failures: unknown[] = [];
    // There may be room left in the last pages.
    for (let tries = 0; tries < 500 && failures.length < 8; tries++) {
      const failure = await create();
      if (failure !== undefined) failures.push(failure);
    }
    expect(failures).toEqual(Array(8).fill('FULL'));
    await ask(`free ${which}`);
    for (let number = 1; number <= 10; number++) expect(await create()).toBeUndefined();
    expect(kept('data', 'SELECT id FROM customer ORDER BY id')).toEqual([...acknowledged].sort());
    await kill();
    expect(kept('data', 'SELECT id FROM customer ORDER BY id')).toEqual([...acknowledged].sort());
    expect(kept('keys', 'SELECT subject_id FROM subject_key')).toEqual(expect.arrayContaining(acknowledged));
    start();
    expect(await create()).toBeUndefined();
  });
});
