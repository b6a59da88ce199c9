import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { v4 as uuid } from 'uuid';
import { deriveKey } from '../../src/keys/derived-keys';
import type { TurnStep } from '../../src/keys/epochs/epoch-state';
import { KeyStore } from '../../src/keys/key-store';
import { openRootKeys, type RootKeys } from '../../src/keys/roots/root-keys';
import { seal } from '../../src/keys/sealing';
import { openDataSource } from '../../src/storage/data-source';
import { Attacker, canaryContext, canaryOf, MARK } from './attacker';
import { type ForensicStores, startEmbedded, startMariaDb } from './forensic-stores';
import { newRoots, openKeysSource } from './keys-source';

/** Each starts a dozen processes, one after another. Milliseconds. */
jest.setTimeout(240_000);

const PERSONS = 300;
const ERASED = 30;
/** Where a turning is killed, one process after another: at each of its steps, and within the long ones. */
const KILLS: ReadonlyArray<readonly [step: TurnStep, times: number]> = [
  ['root', 1],
  ['begun', 1],
  ['node', 1],
  ['bucket', 1],
  ['bucket', 1],
  ['client', 1],
  ['verifying', 1],
  ['verified', 1],
  ['backup', 1],
  ['destroying', 1],
  ['destroyed', 1],
  ['ended', 1],
];

describe.each([
  { name: 'SQLite', start: startEmbedded },
  { name: 'MariaDB with its binary log', start: startMariaDb },
])('whoever has every file and row of both stores at any moment, on $name', ({ start }) => {
  let stores: ForensicStores | undefined;
  let place: string;
  let masterKeyFile: string;
  let keysSource: DataSource;
  let data: DataSource;
  let roots: RootKeys;
  let keys: KeyStore;
  let attacker: Attacker;
  const client = `${MARK}${uuid().slice(MARK.length)}`;
  const persons = Array.from({ length: PERSONS }, () => `${MARK}${uuid().slice(MARK.length)}`);
  const canaries = persons.map((_, index) => canaryOf(index));
  /** Persons erased so far. They are those at the beginning. */
  let erased = 0;
  const living = () => ({ persons: new Set(persons.slice(erased)), canaries: new Set(canaries.slice(erased)) });

  beforeAll(async () => {
    stores = await start();
    if (!stores) return;
    place = mkdtempSync(join(tmpdir(), 'remit-forensics-'));
    masterKeyFile = join(place, 'master.key');
    roots = await newRoots(place);
    keysSource = await openKeysSource(stores.keysUrl);
    data = await openDataSource(stores.dataUrl, { variable: 'DATABASE_URL', entities: [], migrations: [] });
    keys = new KeyStore(keysSource, roots);
    attacker = new Attacker([client]);
    await data.query('CREATE TABLE person (id varchar(36) NOT NULL PRIMARY KEY, sealed blob NOT NULL)');
    await keys.createClientKey(client);
    const made = await keys.createSubjectKeys(client, persons);
    for (const [index, person] of persons.entries()) {
      const sealed = seal(made.get(person) as Buffer, canaries[index], canaryContext(person));
      await data.query('INSERT INTO person (id, sealed) VALUES (?, ?)', [person, sealed]);
    }
    await look();
  });

  afterAll(async () => {
    keys?.close();
    await keysSource?.destroy();
    await data?.destroy();
    await stores?.stop();
    if (place) rmSync(place, { recursive: true });
  });

  /** A copy of every file and of every row, as they are now. */
  async function look(): Promise<void> {
    if (!stores) return;
    await attacker.seeRows(keysSource, data);
    attacker.seeCopyOf(stores.folder);
  }

  async function erase(): Promise<number[]> {
    const epochs: number[] = [];
    const gone = persons.slice(erased, erased + ERASED);
    erased += ERASED;
    for (const person of gone) {
      await data.query('DELETE FROM person WHERE id = ?', [person]);
      epochs.push(await keys.destroySubjectKey(client, person));
    }
    return epochs;
  }

  async function keptRoots(name: string): Promise<RootKeys> {
    copyFileSync(masterKeyFile, join(place, name));
    return openRootKeys({ masterKeyFile: join(place, name), production: true });
  }

  test('reads nobody who is erased once the epoch has turned, and everybody else', async () => {
    if (!stores) return;
    const wrapped = await keysSource.query<Array<{ wrapped: Buffer }>>('SELECT wrapped FROM subject_key');
    const before = await erase();
    await look();
    // Until then each of them can be read, by what the files still hold and by rows from before.
    expect(await attacker.attack(roots)).toEqual({ persons: new Set(persons), canaries: new Set(canaries) });
    const old = await keptRoots('old.key');
    const backup = async () => {
      await look();
      return 'a backup';
    };
    await keys.epochs.turn({ backup, record: async () => 'a record' });
    await look();
    expect(await keys.epochs.isFinal(Math.max(...before))).toBe(true);
    expect(await attacker.attack(roots)).toEqual(living());
    expect(await attacker.secrets(roots)).toHaveLength(1);
    // The files did hold what was destroyed, and with the old root it opens: so this test can fail.
    expect(wrapped.filter((row) => attacker.hasCarved(row.wrapped)).length).toBeGreaterThan(PERSONS - 10);
    expect(await attacker.attack(old)).toEqual({ persons: new Set(persons), canaries: new Set(canaries) });
  });

  test('nor where the turning is killed at each of its steps', async () => {
    if (!stores) return;
    const [epoch] = await erase();
    await look();
    const old = await keptRoots('older.key');
    for (const [step, times] of KILLS) {
      expect({ step, end: await turnElsewhere(step, times) }).toEqual({ step, end: 'SIGKILL' });
      await look();
      // What lives can be read all the while; its lease would end by itself.
      expect((await new KeyStore(keysSource, roots).subjectKeys(client, persons)).size).toBe(PERSONS - erased);
      await keysSource.query('UPDATE key_epoch SET lease_until = 0');
    }
    expect(await turnElsewhere('none', 1)).toBe(0);
    await look();
    expect(await keys.epochs.isFinal(epoch as number)).toBe(true);
    expect((await keys.epochs.list()).filter(({ state }) => state !== 'CURRENT')).toMatchObject(
      Array.from({ length: 3 }, () => ({ state: 'ENDED', record: expect.anything() })),
    );
    expect(await attacker.attack(await openRootKeys({ masterKeyFile, production: true }))).toEqual(living());
    expect(await attacker.attack(old)).toEqual({
      persons: new Set(persons.slice(ERASED)),
      canaries: new Set(canaries.slice(ERASED)),
    });
    expect(readFileSync(masterKeyFile, 'utf8')).not.toBe(readFileSync(join(place, 'older.key'), 'utf8'));
  });

  test('nor an old secret of a client, from which its blind indexes were made, once its epoch has turned', async () => {
    if (!stores) return;
    const now = await openRootKeys({ masterKeyFile, production: true });
    const [first, ...none] = await attacker.secrets(now);
    expect([first?.length, none]).toEqual([32, []]);
    const plan = { publishedBy: Date.now() + 60_000, usedFrom: Date.now(), dueAt: Date.now() };
    await keys.secrets.publish(client, plan);
    await look();
    await keys.secrets.destroyOld(client, 2);
    await look();
    const old = await keptRoots('oldest.key');
    expect((await attacker.secrets(now)).length).toBe(2);
    const [ended] = await keys.secrets.of(client);
    expect(await keys.epochs.isFinal(ended?.epoch ?? 0)).toBe(false);
    // Killed while the client's node is replaced: the next one goes on.
    for (const step of ['node', 'bucket', 'destroying', 'destroyed']) {
      expect({ step, end: await turnElsewhere(step, 1) }).toEqual({ step, end: 'SIGKILL' });
      await look();
      await keysSource.query('UPDATE key_epoch SET lease_until = 0');
    }
    expect(await turnElsewhere('none', 1)).toBe(0);
    await look();
    expect(await keys.epochs.isFinal(ended?.epoch ?? 0)).toBe(true);
    const left = await attacker.secrets(await openRootKeys({ masterKeyFile, production: true }));
    const { current } = await new KeyStore(keysSource, roots).derivedKeys(client, 'blind-index');
    expect(left.map((secret) => deriveKey(secret, 'blind-index'))).toEqual([current]);
    expect(left.some((secret) => secret.equals(first as Buffer))).toBe(false);
    // The files did hold it, and with the old root it opens: so this test can fail.
    expect((await attacker.secrets(old)).some((secret) => secret.equals(first as Buffer))).toBe(true);
  });

  /** Turns in another process. @returns by which signal it died, or its exit code */
  async function turnElsewhere(step: string, times: number): Promise<NodeJS.Signals | number> {
    const program = join(__dirname, 'turning-process.js');
    const child = spawn(process.execPath, [program, stores?.keysUrl ?? '', masterKeyFile, step, String(times)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal ?? code ?? -1;
  }
});
