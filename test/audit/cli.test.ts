import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { originOf, verifierKey } from '../../src/audit/log/checkpoint';
import { appendAnchors } from '../../src/audit/witness/anchor-file';
import { Anchoring } from '../../src/audit/witness/anchors';
import { witnessAnchor } from '../../src/audit/witness/witness';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { createServices } from '../../src/services';
import { openStores } from '../../src/stores';
import { remit as remitAlone } from '../support/cli';
import { remitHere as remit } from '../support/command';
import { serve, witness } from './outside';

describe('remit audit', () => {
  let cwd: string;
  let env: Record<string, string>;
  let id: string;
  let key: string;
  let witnessKey: string;
  const failures: unknown[] = [];

  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), 'remit-audit-cli-'));
    env = {
      DATABASE_URL: `sqlite:${join(cwd, 'remit.db')}`,
      KEYS_DATABASE_URL: `sqlite:${join(cwd, 'keys.db')}`,
      REMIT_MASTER_KEY_FILE: join(cwd, 'master.key'),
    };
    await generateMasterKeyFile(join(cwd, 'master.key'));
    const stores = await openStores({
      databaseUrl: env.DATABASE_URL ?? '',
      keysDatabaseUrl: env.KEYS_DATABASE_URL ?? '',
      regionalDatabaseUrls: {},
      masterKeyFile: join(cwd, 'master.key'),
      production: false,
    });
    const { recorder, ledger } = createServices(stores);
    for (let number = 0; number < 4; number++) {
      id = await recorder.record('GRANT_GIVEN', { principal: 'test', details: { number } });
    }
    const outside = witness();
    witnessKey = outside.key;
    const server = await serve(outside.handler);
    await new Anchoring(ledger, [witnessAnchor(server.url, witnessKey)], (error) => failures.push(error)).run();
    server.close();
    const [head] = await ledger.heads();
    await appendAnchors(join(cwd, 'anchors'), [head?.checkpoint ?? '']);
    await recorder.record('GRANT_GIVEN', { principal: 'test' });
    key = verifierKey(originOf(head?.logId ?? ''), (await ledger.signer()).publicKey);
    await ledger.close();
    await stores.close();
  });

  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  test('verify says that all is sound, and what is anchored', async () => {
    const { code, stdout } = await remit(['audit', 'verify', '--anchor', 'anchors'], { cwd, env });
    expect(stdout).toMatch(/^log [0-9a-f-]{36}: entries 0 to 4 are anchored, entries 5 to 5 are not$/m);
    expect(stdout).toMatch(/^Sound: 6 entries in 1 log, 6 signed checkpoints\.$/m);
    expect(code).toBe(0);
    const json = await remit(['audit', 'verify', '--json'], { cwd, env });
    expect(JSON.parse(json.stdout)).toMatchObject({ sound: true, entries: 6, findings: [], forgedHeads: [] });
  });

  test('verify checks the receipts of a witness by its key, and says that it did not without one', async () => {
    expect(failures).toEqual([]);
    const checked = await remit(['audit', 'verify', '--witness-key', witnessKey], { cwd, env });
    expect(checked.stdout).toMatch(/^log [0-9a-f-]{36}: entries 0 to 4 are anchored, entries 5 to 5 are not$/m);
    expect(checked.stdout).toMatch(
      /^ {2}entries 0 to 4: witness witness\.example \(1, the last of \d{4}-\S+Z\): its signature holds$/m,
    );
    const configured = { ...env, AUDIT_WITNESS_URL: 'http://127.0.0.1:9', AUDIT_WITNESS_KEY: witnessKey };
    expect((await remit(['audit', 'verify'], { cwd, env: configured })).stdout).toBe(checked.stdout);
    const unchecked = await remit(['audit', 'verify'], { cwd, env });
    expect(unchecked.stdout).toMatch(/^log [0-9a-f-]{36}: entries 0 to 5 are not anchored$/m);
    expect(unchecked.stdout).toContain('a witness (1): signature not checked: no key of a witness is given');
    expect((await remit(['audit', 'verify', '--witness-key', 'no-key'], { cwd, env })).code).toBe(2);
    const certificate = await remit(['audit', 'verify', '--tsa-cert', 'anchors'], { cwd, env });
    expect(certificate).toMatchObject({ code: 1, stderr: 'error: anchors has no certificate in PEM form\n' });
  });

  test('anchors export writes receipts that verify takes back', async () => {
    const { code, stdout } = await remit(['audit', 'anchors', 'export'], { cwd, env });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'witness',
      checkpoint: expect.stringContaining('— witness.example '),
    });
    writeFileSync(join(cwd, 'receipts'), stdout);
    const held = await remit(['audit', 'verify', '--anchor', 'receipts', '--witness-key', witnessKey], { cwd, env });
    expect(held.stdout).toMatch(
      /^ {2}entries 0 to 4: receipts: witness witness\.example \(1, .*\): its signature holds$/m,
    );
    expect(held.code).toBe(0);
    writeFileSync(join(cwd, 'receipts'), stdout.replace(/witness\.example (.{40})./, 'witness.example $1!'));
    const forged = await remit(['audit', 'verify', '--anchor', 'receipts', '--witness-key', witnessKey], { cwd, env });
    expect(forged).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('receipts, line 1: the receipt does not hold'),
    });
  });

  test('keys prints the key that check takes, alone or for each log', async () => {
    const printed = await remit(['audit', 'keys'], { cwd, env });
    expect([printed.code, printed.stdout]).toEqual([0, expect.stringMatching(/^[A-Za-z0-9+/]{43}=\n$/)]);
    const { publicKey, logs } = JSON.parse((await remit(['audit', 'keys', '--json'], { cwd, env })).stdout);
    expect([publicKey, logs]).toEqual([
      printed.stdout.trim(),
      expect.arrayContaining([{ log: expect.any(String), verifierKey: key, verifierKeys: [key] }]),
    ]);
    writeFileSync(join(cwd, 'remit-audit.pub'), printed.stdout);
    const proof = await remit(['audit', 'prove', id], { cwd, env });
    const held = await remit(['audit', 'check', '-', '--key', 'remit-audit.pub'], { cwd, input: proof.stdout });
    expect(held.code).toBe(0);
    const stranger = Buffer.alloc(32, 7).toString('base64');
    const refused = await remit(['audit', 'check', '-', '--key', stranger], { cwd, input: proof.stdout });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('"remit audit keys" prints the key')]);
  });

  test('prove prints a proof that check holds against a key, without any database', async () => {
    const proven = await remit(['audit', 'prove', id], { cwd, env });
    expect(proven.code).toBe(0);
    const nowhere = mkdtempSync(join(tmpdir(), 'remit-nowhere-'));
    writeFileSync(join(nowhere, 'proof.json'), proven.stdout);
    const held = await remit(['audit', 'check', 'proof.json', '--key', key, '--json'], { cwd: nowhere });
    expect(JSON.parse(held.stdout)).toMatchObject({ holds: true, fault: null, entry: { id, kind: 'GRANT_GIVEN' } });
    const forged = proven.stdout.replace('GRANT_GIVEN', 'GRANT_TAKEN');
    const refused = await remitAlone(['audit', 'check', '-', '--key', key], { cwd: nowhere, input: forged });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('is not number 4 of the log');
    const none = await remit(['audit', 'check', '-', '--key', key], { cwd: nowhere, input: '{}' });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('not a proof') });
    rmSync(nowhere, { recursive: true });
  });

  test('what does not exist, or is called wrongly, is said so', async () => {
    const absent = await remit(['audit', 'prove', 'nothing'], { cwd, env });
    expect(absent).toMatchObject({ code: 1, stderr: 'error: there is no entry nothing\n' });
    expect((await remit(['audit', 'check', '-'], { cwd })).code).toBe(2);
    expect((await remit(['audit', 'check', '-', '--key', 'no-key'], { cwd })).code).toBe(2);
  });

  test('nothing is pruned before its time', async () => {
    const { code, stdout } = await remit(['audit', 'prune', '--json'], { cwd, env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[]\n' });
  });

  it('attack S16: verify --records names what nobody decided, and exits with 1', async () => {
    const sound = await remit(['audit', 'verify', '--records'], { cwd, env });
    expect(sound.stdout).toMatch(/^As decided: \d+ records compared with the ledger\.$/m);
    expect(sound.code).toBe(0);
    const database = new Database(join(cwd, 'remit.db'));
    database.exec(
      "INSERT INTO client_instruction (client_id, id, purpose, reason, valid_from, given_by) VALUES ('c', 'planted', 'LEGAL', 'r', 1, 'eve')",
    );
    const { code, stdout } = await remit(['audit', 'verify', '--records'], { cwd, env });
    expect(stdout).toContain('UNDECIDED client_instruction planted, client c: no entry of the ledger decided it');
    expect(stdout).toMatch(/^NOT AS DECIDED: /m);
    expect(code).toBe(1);
    const json = JSON.parse((await remit(['audit', 'verify', '--records', '--json'], { cwd, env })).stdout);
    expect(json).toMatchObject({ sound: true, records: { findings: [{ problem: 'UNDECIDED', row: 'planted' }] } });
    database.exec("DELETE FROM client_instruction WHERE id = 'planted'");
    database.close();
  });

  test('verify names what was tampered with, and exits with 1', async () => {
    const database = new Database(join(cwd, 'remit.db'));
    database.exec('DELETE FROM audit_entry WHERE sequence = 2');
    database.close();
    const { code, stdout } = await remitAlone(['audit', 'verify', '--anchor', 'anchors'], { cwd, env });
    expect(stdout).toMatch(/^MISSING log [0-9a-f-]{36}, entry 2: entry 2 is missing$/m);
    expect(stdout).toMatch(/^NOT SOUND: /m);
    expect(code).toBe(1);
  });
});
