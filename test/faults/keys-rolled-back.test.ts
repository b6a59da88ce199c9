import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { DataSource } from 'typeorm';
import { v4 as uuid } from 'uuid';
import { KeyStore } from '../../src/keys/key-store';
import type { RootKeys } from '../../src/keys/roots/root-keys';
import { openDataSource } from '../../src/storage/data-source';
import { Attacker, MARK } from '../keys/attacker';
import { type ForensicStores, startEmbedded, startMariaDb } from '../keys/forensic-stores';
import { newRoots, openKeysSource } from '../keys/keys-source';
import { root } from '../support/root';

const PERSONS = 60;
/** Erased before the turning, and while it is rolled back. */
const [BEFORE, MEANWHILE] = [5, 10];
/** The first and the last statement on a bucket that gets a new key. */
const LOCKED =
  /^\s*SELECT bucket, wrapped, node_generation, generation, members, marked FROM bucket_key\s+WHERE .* bucket = \?/;
const RENEWED = /^\s*UPDATE bucket_key SET wrapped = \?, node_generation = \?, generation = \?/;

const newId = () => `${MARK}${uuid().slice(MARK.length)}`;

/** What is done when a bucket's key has been replaced and nothing of it is committed. */
type Fault = (query: (sql: string) => Promise<unknown>) => Promise<void>;

describe.each([
  { name: 'SQLite', start: startEmbedded },
  { name: 'MariaDB with its binary log', start: startMariaDb },
])('what a turning had written when it was rolled back opens for nobody, on $name', ({ name, start }) => {
  let stores: ForensicStores | undefined;
  let place: string;
  let masterKeyFile: string;
  let source: DataSource;
  let data: DataSource;
  let roots: RootKeys;
  /** Of another process. */
  let other: KeyStore;
  let otherSource: DataSource;
  let attacker: Attacker;
  let client: string;
  let persons: string[];
  /** Wrapped keys of buckets that were rolled back. */
  let rolledBack: Buffer[];
  /** Persons erased so far. They are those at the beginning. */
  let erased: number;

  beforeAll(async () => {
    stores = await start();
    if (!stores) return;
    place = mkdtempSync(join(tmpdir(), 'remit-rolled-back-'));
    data = await openDataSource(stores.dataUrl, { variable: 'DATABASE_URL', entities: [], migrations: [] });
    await data.query('CREATE TABLE person (id varchar(36) NOT NULL PRIMARY KEY, sealed blob NOT NULL)');
  });
  afterAll(async () => {
    await data?.destroy();
    await stores?.stop();
    if (place) rmSync(place, { recursive: true });
  });
  beforeEach(async () => {
    if (!stores) return;
    source = await openKeysSource(stores.keysUrl);
    for (const table of ['subject_key', 'bucket_key', 'client_key', 'key_epoch'])
      await source.query(`DELETE FROM ${table}`);
    const folder = mkdtempSync(join(place, 'root-'));
    masterKeyFile = join(folder, 'master.key');
    roots = await newRoots(folder);
    otherSource = await openKeysSource(stores.keysUrl);
    other = new KeyStore(otherSource, roots);
    erased = 0;
    rolledBack = [];
    client = newId();
    persons = Array.from({ length: PERSONS }, newId);
    attacker = new Attacker([client]);
    await other.createClientKey(client);
    await other.createSubjectKeys(client, persons);
    await look();
  });
  afterEach(async () => {
    other?.close();
    await otherSource?.destroy();
    await source?.destroy();
  });

  async function look(): Promise<void> {
    await attacker.seeRows(source, data);
    attacker.seeCopyOf(stores?.folder ?? '');
  }

  async function erase(count: number): Promise<void> {
    for (const person of persons.slice(erased, erased + count)) await other.destroySubjectKey(client, person);
    erased += count;
  }
  /** Rows as the transaction would commit them, which the log holds already. */
  async function seeUncommitted(query: (sql: string) => Promise<unknown>): Promise<void> {
    await attacker.seeRows({ query } as Pick<DataSource, 'query'>, data);
    const rows = (await query('SELECT wrapped FROM bucket_key')) as Array<{ wrapped: Buffer }>;
    rolledBack.push(...rows.map(({ wrapped }) => wrapped));
  }

  /** Turns in this process. `fault` comes before the first COMMIT of a bucket, `meanwhile` before the next attempt. */
  async function turn(fault: Fault, meanwhile?: () => Promise<void>): Promise<void> {
    const create = source.createQueryRunner.bind(source);
    let renewals = 0;
    source.createQueryRunner = (...given) => {
      const runner = create(...given);
      const query = runner.query.bind(runner) as (...words: unknown[]) => Promise<unknown>;
      const watched = async (sql: string, ...more: unknown[]) => {
        if (LOCKED.test(sql) && renewals === 1) await meanwhile?.();
        const result = await query(sql, ...more);
        if (!RENEWED.test(sql) || ++renewals !== 1) return result;
        await seeUncommitted(query);
        await fault((statement) => query(statement));
        return result;
      };
      return Object.assign(runner, { query: watched });
    };
    const keys = new KeyStore(source, roots);
    try {
      await keys.epochs.turn();
      expect(renewals).toBe(2);
    } finally {
      keys.close();
      source.createQueryRunner = create;
    }
  }

  /** Whoever was erased is so for good once the next epoch has ended, too; all others can be read. */
  async function expectErased(): Promise<void> {
    const keys = new KeyStore(source, roots);
    await keys.epochs.resume();
    await keys.epochs.turn();
    await look();
    // InnoDB leaves out the bytes that did not change, such as the first one.
    const log = name === 'SQLite' ? undefined : readFileSync(join(stores?.folder ?? '', 'ib_logfile0'));
    if (log) expect(rolledBack.filter((blob) => !log.includes(blob.subarray(1)))).toEqual([]);
    expect((await attacker.attack(roots)).persons).toEqual(new Set(persons.slice(BEFORE + MEANWHILE)));
    expect([...(await keys.subjectKeys(client, persons)).keys()].sort()).toEqual(
      persons.slice(BEFORE + MEANWHILE).sort(),
    );
    keys.close();
  }

  test('a process that is killed between the last statement and COMMIT', async () => {
    if (!stores) return;
    await erase(BEFORE);
    const program = join(root, 'test', 'keys', 'turning-process.js');
    const child = spawn(process.execPath, [program, stores.keysUrl, masterKeyFile, 'uncommitted', '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said, [, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(signal).toBe('SIGKILL');
    attacker.hear(said);
    await look();
    await source.query('UPDATE key_epoch SET lease_until = 0');
    await erase(MEANWHILE);
    await expectErased();
  });

  test('a statement that fails', async () => {
    if (!stores) return;
    await erase(BEFORE);
    const failing = turn(async () => {
      throw new Error('the disk fails');
    });
    await expect(failing).rejects.toThrow('the disk fails');
    await look();
    await erase(MEANWHILE);
    await expectErased();
  });

  if (name === 'SQLite') return;

  test('a lost connection, and the next attempt of the same process', async () => {
    if (!stores) return;
    await erase(BEFORE);
    const server = await createConnection(stores.keysUrl);
    const fault: Fault = async (query) => {
      const [row] = (await query('SELECT CONNECTION_ID() AS id')) as Array<{ id: number }>;
      await server.query(`KILL ${row?.id}`);
    };
    await turn(fault, () => erase(MEANWHILE));
    await server.end();
    await expectErased();
  });

  test('a deadlock, and the next attempt of the same process', async () => {
    if (!stores) return;
    await erase(BEFORE);
    const server = await createConnection(stores.keysUrl);
    // InnoDB rolls back whoever has changed fewer rows.
    await server.query('CREATE TABLE ballast (id int NOT NULL PRIMARY KEY)');
    await server.query('START TRANSACTION');
    await server.query('INSERT INTO ballast SELECT seq FROM seq_1_to_5000');
    let waiting: Promise<unknown> | undefined;
    const fault: Fault = async () => {
      await server.query('UPDATE key_epoch SET clients = clients + 1');
      waiting = server.query('UPDATE bucket_key SET members = members').finally(() => server.query('ROLLBACK'));
      await sleep(200);
    };
    await turn(fault, async () => {
      await waiting;
      await erase(MEANWHILE);
    });
    await server.end();
    await expectErased();
  });
});
