import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { type CheckedFinding, examine } from '../../src/commands/doctor/examination';
import { keyTraces } from '../../src/commands/doctor/key-traces';
import { changes } from '../../src/commands/doctor/law';
import { admit } from '../../src/commands/doctor/patient';
import { type Config, readConfig } from '../../src/config';
import { backUpKeys } from '../../src/keys/backup/write';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { openRootKeys } from '../../src/keys/roots/root-keys';
import { DAY_MS, HOUR_MS } from '../../src/law/calendar';
import { newClient, plantPeople } from '../erasure/people';
import { serve } from '../outbound/serving';
import { openTestApp, type TestApp } from '../support/app';
import { remitHere as remit } from '../support/command';
import { databases, type TestDatabase } from '../support/databases';

const folder = mkdtempSync(join(tmpdir(), 'remit-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is not well: each with its check and verdict. */
const unwell = (findings: readonly CheckedFinding[]) =>
  findings
    .filter(({ verdict, says }) => verdict !== 'ok' && !/^NODE_ENV|on one server|power cut/.test(says))
    .map(({ check, verdict, says }) => `${check}: ${verdict}: ${says}`);

describe.each(databases)('remit doctor on $name', ({ name, create }) => {
  const embedded = name === 'SQLite';
  let database: TestDatabase;
  let app: TestApp;
  let client: string;
  let config: Config;
  let backups: string;

  beforeAll(async () => {
    database = await create();
    app = await openTestApp(database);
    client = await newClient(app.services, 'acme');
    await plantPeople(app.stores, client, [1]);
    backups = join(folder, `${name}-backups`);
    config = readConfig({ ...app.env, REMIT_EPOCH: 'daily', KEYS_BACKUP_DIR: backups });
    await backUpKeys(app.stores.keyStores.home, backups);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const looked = async (other: Partial<Config> = {}) => unwell(await examine({ ...config, ...other }));
  const data = (sql: string, values: unknown[] = []) => app.stores.regions.home.query(sql, values);
  const keys = (sql: string, values: unknown[] = []) => app.stores.keysSource.query(sql, values);

  test('a sound installation is well, and every check says so', async () => {
    const findings = await examine(config);
    expect(unwell(findings)).toEqual([]);
    expect([...new Set(findings.map(({ check }) => check))]).toEqual([
      ...['settings', 'stores', 'engine', 'migrations', 'clocks', 'issuer', 'disk'],
      ...[
        'keys',
        'epochs',
        'key backups',
        'key traces',
        'orphan keys',
        'identifiers',
        'backups',
        'ledger',
        'erasures',
        'webhooks',
        'law',
      ],
    ]);
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'engine',
        says: expect.stringContaining(name.replace('Maria', 'maria').replace('mariaDB', 'mariadb')),
      }),
    );
    for (const { verdict, remedy } of findings) expect(remedy === undefined).toBe(verdict === 'ok');
  });

  test('migrations of another version', async () => {
    await data('INSERT INTO migrations (timestamp, name) VALUES (?, ?)', [9_000_000_000_000, 'Later9000000000000']);
    expect(await looked()).toEqual([
      expect.stringContaining('migrations: fault: DATABASE_URL: 1 migration of a newer'),
    ]);
    await data("DELETE FROM migrations WHERE name = 'Later9000000000000'");
    const [last] = await data('SELECT timestamp, name FROM migrations ORDER BY id DESC LIMIT 1');
    await data('DELETE FROM migrations WHERE name = ?', [last.name]);
    const verdict = embedded ? 'attention' : 'fault';
    expect(await looked()).toEqual([`migrations: ${verdict}: DATABASE_URL: 1 migration pending`]);
    await data('INSERT INTO migrations (timestamp, name) VALUES (?, ?)', [last.timestamp, last.name]);
  });

  test('a clock that was ahead, when it wrote the ledger', async () => {
    const ahead = uuid({ msecs: Date.now() + 3_600_000 });
    await data('INSERT INTO audit_entry (log_id, sequence, entry_id, body, leaf_hash) VALUES (?, ?, ?, ?, ?)', [
      ...[uuid(), 0, ahead, Buffer.from('{}'), 'x'],
    ]);
    expect(await looked()).toEqual([expect.stringMatching(/^clocks: fault: .* wrote the ledger: 3[56]\d\d s ahead/)]);
    await data('DELETE FROM audit_entry WHERE entry_id = ?', [ahead]);
  });

  test('a clock of the issuer, and an issuer that is away', async () => {
    const address = await serve((request, response) => {
      response.setHeader('date', new Date(Date.now() - 20_000).toUTCString());
      const base = `http://${request.headers.host}`;
      response.end(JSON.stringify(request.url === '/keys' ? { keys: [] } : { issuer: base, jwks_uri: `${base}/keys` }));
    });
    expect(await looked({ oidcIssuer: new URL(address).origin })).toEqual([
      expect.stringMatching(/^clocks: attention: the issuer: (?:19|20) s behind this process$/),
    ]);
    expect(await looked({ oidcIssuer: 'http://127.0.0.1:9' })).toEqual([
      expect.stringContaining('issuer: attention: http://127.0.0.1:9: '),
    ]);
  });

  test('keys: another master key, one of development, and keys of nobody', async () => {
    const other = join(folder, `${name}.key`);
    await generateMasterKeyFile(other);
    expect(await looked({ masterKeyFile: other })).toEqual([
      expect.stringMatching(
        /^keys: fault: KEYS_DATABASE_URL: the keys' store is of epoch 1, and the root of that epoch .* is not here; file:\S+ is\. Either another root is configured/,
      ),
      'key backups: attention: keys: there is no backup of epoch 1',
      expect.stringContaining('key backups: attention: 1 file in '),
    ]);
    chmodSync(other, 0o644);
    expect(await looked({ masterKeyFile: other, production: true })).toContainEqual(
      expect.stringContaining('keys: fault: REMIT_MASTER_KEY_FILE: '),
    );
    expect(
      await looked({ rootKey: 'vault:http://127.0.0.1:9/transit', rootAccess: { vault: { token: 'x' } } }),
    ).toEqual([
      'keys: fault: Vault does not answer (ECONNREFUSED); try again.',
      'key backups: attention: not looked at: the roots are not at hand',
    ]);
    const roots = await openRootKeys({ ...config, production: false });
    const vain = await roots.create();
    expect(await looked()).toEqual([`keys: attention: no epoch uses the root ${vain}`]);
    await roots.destroy(vain);
    const nobody = uuid();
    await keys('INSERT INTO subject_key (client_id, subject_id, wrapped, bucket, created_at) VALUES (?, ?, ?, ?, ?)', [
      ...[client, nobody, Buffer.from('x'), 0, 1],
    ]);
    expect(await looked()).toEqual(['orphan keys: attention: 1 key more than people']);
    await keys('DELETE FROM subject_key WHERE subject_id = ?', [nobody]);
  });

  test('epochs that do not end, are overdue, or are stuck', async () => {
    expect(await looked({ epoch: 'off' })).toContainEqual(
      expect.stringContaining('epochs: attention: KEYS_DATABASE_URL: epochs do not end: what is erased can be read'),
    );
    const set = (begunAt: number, marked: number) =>
      keys('UPDATE key_epoch SET begun_at = ?', [begunAt]).then(() =>
        keys('UPDATE bucket_key SET marked = ?', [marked]),
      );
    const [before] = await keys('SELECT begun_at FROM key_epoch');
    await set(Date.now() - 30 * HOUR_MS, 0);
    // Nothing was destroyed: it has time.
    expect(await looked()).toEqual([]);
    await set(Date.now() - 30 * HOUR_MS, 1);
    expect(await looked()).toEqual(['epochs: attention: KEYS_DATABASE_URL: epoch 1 should have ended 6 hours ago']);
    await set(Date.now() - 3 * DAY_MS, 1);
    expect(await looked()).toEqual(['epochs: fault: KEYS_DATABASE_URL: epoch 1 should have ended 48 hours ago']);
    await set(Number(before.begun_at), 0);
    // What a turn leaves that died.
    const dead =
      'INSERT INTO key_epoch (number, root_id, wrapped, state, begun_at, clients, lease_until, turned_clients, ' +
      'turned_buckets, turned_subjects, turned_destroyed) VALUES (0, ?, ?, ?, 1, 0, 0, 0, 0, 0, 0)';
    await keys(dead, ['gone', Buffer.from('x'), 'DESTROYING']);
    await keys('UPDATE key_epoch SET begun_at = ? WHERE number = 1', [Date.now() - 5 * HOUR_MS]);
    expect(await looked()).toEqual([
      'epochs: attention: KEYS_DATABASE_URL: epoch 0 has been ending for 5 hours (DESTROYING)',
    ]);
    await keys("UPDATE key_epoch SET state = 'ENDED', ended_at = ? WHERE number = 0", [Date.now() + DAY_MS]);
    expect(await examine(config)).toContainEqual(
      expect.objectContaining({ verdict: 'ok', says: expect.stringContaining('epoch 0 is final on ') }),
    );
    await keys('DELETE FROM key_epoch WHERE number = 0');
    await keys('UPDATE key_epoch SET begun_at = ?', [before.begun_at]);
  });

  test('backups of the keys: none, which are good, and what else lies there', async () => {
    const { keysBackupDir: _, ...without } = config;
    const said = (findings: readonly CheckedFinding[]) =>
      findings.flatMap(({ check, verdict, says }) => (check === 'key backups' ? [`${verdict}: ${says}`] : []));
    expect(said(await examine(without))).toEqual([expect.stringContaining('attention: no backup of the keys is made')]);
    expect(said(await examine({ ...config, keysBackupDir: join(folder, 'nowhere') }))).toEqual([
      'attention: keys: there is no backup of epoch 1',
    ]);
    writeFileSync(join(backups, 'x.remit-keys'), 'x');
    expect(said(await examine(config))).toEqual([
      expect.stringMatching(/^ok: keys: \S+\/keys-000001-\S+ of \S+Z is good until epoch 1 ends$/),
      `attention: 1 file in ${backups} of which no root is here, or damaged`,
    ]);
    rmSync(join(backups, 'x.remit-keys'));
  });

  if (embedded) {
    test('a file whose deletions stay, and one without a write-ahead log', async () => {
      const patient = await admit(config, 5_000);
      await patient.keysSource.query('PRAGMA secure_delete = OFF');
      expect((await keyTraces.look(patient)).map(({ verdict }) => verdict)).toEqual(['attention', 'ok']);
      await patient.close();
      expect(
        (await examine(config)).filter(({ check }) => check === 'key traces').map(({ verdict }) => verdict),
      ).toEqual(['ok', 'ok']);
    });
  }

  test('data that is older than the keys’ store', async () => {
    await keys("INSERT INTO audit_head (tree_size, checkpoint, log_id) VALUES (9, 'x', 'lost')");
    expect(await looked()).toEqual([expect.stringContaining('backups: fault: the data is older')]);
    await keys("DELETE FROM audit_head WHERE log_id = 'lost'");
  });

  test('an erasure that is overdue and not carried out', async () => {
    const [person] = await plantPeople(app.stores, client, [2]);
    const filing = { principal: 'a', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    const { id } = await app.services.erasure.erasures.request(client, person?.id ?? '', filing);
    await data('UPDATE erasure_request SET due_at = ? WHERE id = ?', [Date.now() - 1, id]);
    await data('UPDATE job SET run_at = ? WHERE id = ?', [Date.now() - DAY_MS, id]);
    expect(await looked()).toEqual([
      'erasures: fault: 1 erasure overdue',
      'erasures: attention: 1 erasure not carried out though it is time',
    ]);
    await data('UPDATE erasure_request SET due_at = ? WHERE id = ?', [Date.now() + 3 * DAY_MS, id]);
    await data('UPDATE job SET run_at = ? WHERE id = ?', [Date.now(), id]);
    expect(await looked()).toEqual(['erasures: attention: 1 erasure due within 7 days']);
    await data("UPDATE erasure_request SET status = 'CANCELLED' WHERE id = ?", [id]);
  });

  test('webhooks that were given up, and reviews that wait', async () => {
    const columns =
      'client_id, id, event, reference, recipient_kind, recipient_id, recipient_name, status, attempts, next_at';
    const delivery = [client, uuid(), 'e', uuid(), 'CLIENT', uuid(), 'n'];
    const insert = `INSERT INTO webhook_delivery (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    await data(insert, [...delivery, 'DEAD', 9, null]);
    await data(insert, [...delivery.with(1, uuid()).with(3, uuid()), 'QUEUED', 0, Date.now() - DAY_MS]);
    const proposal = 'INSERT INTO proposal (id, act, terms, state, proposed_by, proposed_at) VALUES (?, ?, ?, ?, ?, ?)';
    await data(proposal, [uuid(), 'x', '{}', 'PROPOSED', 'a', 1]);
    const suspension =
      'INSERT INTO legal_basis_suspension (id, basis, suspended_from, reason, suspended_by, suspended_at)';
    await data(`${suspension} VALUES (?, ?, ?, ?, ?, ?)`, [uuid(), 'SCC', 1, 'r', 'a', 1]);
    expect(await looked()).toEqual([
      'webhooks: attention: 1 webhook given up: the recipient does not know',
      'webhooks: attention: 1 webhook due for an hour and not sent',
      'law: attention: 1 legal basis suspended',
      'law: attention: 1 proposal waiting for a second officer',
    ]);
    for (const table of ['webhook_delivery', 'proposal', 'legal_basis_suspension']) await data(`DELETE FROM ${table}`);
  });

  test('a store that is away, or never answers: the rest is looked at, in bounded time', async () => {
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await new Promise((listening) => silent.once('listening', listening));
    const { port } = silent.address() as { port: number };
    const away = { databaseUrl: `mysql://nobody:secret@127.0.0.1:${port}/none` };
    const findings = await examine({ ...config, ...away }, 700);
    for (const socket of sockets) socket.destroy();
    silent.close();
    expect(JSON.stringify(findings)).not.toContain('secret');
    expect(unwell(findings)).toEqual([
      expect.stringContaining('stores: fault: DATABASE_URL: '),
      ...['orphan keys', 'identifiers', 'backups', 'ledger', 'erasures', 'webhooks', 'law'].map(
        (check) => `${check}: attention: not looked at: DATABASE_URL is not open`,
      ),
    ]);
    expect(findings).toContainEqual(expect.objectContaining({ check: 'keys', verdict: 'ok' }));
  });

  test('the command prints findings and remedies, and ends with 1 for a fault', async () => {
    const well = await remit(['doctor'], { cwd: folder, env: { ...app.env } });
    expect(well).toMatchObject({ code: 0, stderr: '' });
    expect(well.stdout).toMatch(/^! settings +NODE_ENV is not production.*\n +→ set NODE_ENV=production/);
    expect(well.stdout).toMatch(/\n\n0 faults, \d+ to look at, \d\d well\.\n$/);
    const lost = { ...app.env, DATABASE_URL: 'mysql://u:secret@127.0.0.1:9/x' };
    const json = await remit(['doctor', '--json'], { cwd: folder, env: lost });
    expect(json.code).toBe(1);
    expect(json.stdout).not.toContain('secret');
    expect(JSON.parse(json.stdout).findings).toContainEqual({
      check: 'stores',
      verdict: 'fault',
      says: expect.stringContaining('DATABASE_URL: cannot connect to 127.0.0.1:9 (ECONNREFUSED)'),
      remedy: expect.any(String),
    });
    const wrong = await remit(['doctor'], { cwd: folder, env: { ...app.env, PORT: 'x', LOG_LEVEL: 'y' } });
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain('✗ settings  PORT: must be a port number');
    expect(wrong.stdout).toMatch(/2 faults, 0 to look at, 0 well/);
  });
});

test('nothing is made where nothing is yet', async () => {
  const { code, stdout } = await remit(['doctor'], { cwd: folder });
  expect(code).toBe(0);
  expect(stdout).toContain('DATABASE_URL: there is no file ./data/remit.db yet');
  expect(() => chmodSync(join(folder, 'data'), 0o700)).toThrow('ENOENT');
});

test('law that changes soon is named by its day', () => {
  // The adequacy decisions for the United Kingdom end on 2031-12-27.
  expect(changes(Date.UTC(2031, 11, 1)).map(({ says }) => says)).toEqual([
    'the law of transfers changes on 2031-12-28',
  ]);
});
