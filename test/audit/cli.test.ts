import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { appendAnchors } from '../../src/audit/anchor-file';
import { verifierKey } from '../../src/audit/checkpoint';
import { originOf } from '../../src/audit/origin';
import { createServices } from '../../src/services';
import { generateMasterKeyFile } from '../../src/storage/master-key';
import { openStores } from '../../src/stores';
import { remit } from '../support/cli';

describe('remit audit', () => {
  let cwd: string;
  let env: Record<string, string>;
  let id: string;
  let key: string;

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
    const { trail, ledger } = createServices(stores);
    for (let number = 0; number < 4; number++) {
      id = await trail.record('TEST_CHANGE', { principal: 'test', details: { number } });
    }
    const [head] = await ledger.heads();
    await appendAnchors(join(cwd, 'anchors'), [head?.checkpoint ?? '']);
    await trail.record('TEST_CHANGE', { principal: 'test' });
    key = verifierKey(originOf(head?.logId ?? ''), (await ledger.signer()).publicKey);
    await ledger.close();
    await stores.close();
  });

  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  test('verify says that all is sound, and what is anchored', async () => {
    const { code, stdout } = await remit(['audit', 'verify', '--anchor', 'anchors'], { cwd, env });
    expect(stdout).toMatch(/^log [0-9a-f-]{36}: entries 0 to 4 are anchored, entries 5 to 5 are not$/m);
    expect(stdout).toMatch(/^Sound: 6 entries in 1 logs, 6 signed checkpoints\.$/m);
    expect(code).toBe(0);
    const json = await remit(['audit', 'verify', '--json'], { cwd, env });
    expect(JSON.parse(json.stdout)).toMatchObject({ sound: true, entries: 6, findings: [], forgedHeads: [] });
  });

  test('prove prints a proof that check holds against a key, without any database', async () => {
    const proven = await remit(['audit', 'prove', id], { cwd, env });
    expect(proven.code).toBe(0);
    const nowhere = mkdtempSync(join(tmpdir(), 'remit-nowhere-'));
    writeFileSync(join(nowhere, 'proof.json'), proven.stdout);
    const held = await remit(['audit', 'check', 'proof.json', '--key', key, '--json'], { cwd: nowhere });
    expect(JSON.parse(held.stdout)).toMatchObject({ holds: true, fault: null, entry: { id, kind: 'TEST_CHANGE' } });
    const forged = proven.stdout.replace('TEST_CHANGE', 'TEST_CHARGE');
    const refused = await remit(['audit', 'check', '-', '--key', key], { cwd: nowhere, input: forged });
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

  test('verify names what was tampered with, and exits with 1', async () => {
    const database = new Database(join(cwd, 'remit.db'));
    database.exec('DELETE FROM audit_entry WHERE sequence = 2');
    database.close();
    const { code, stdout } = await remit(['audit', 'verify', '--anchor', 'anchors'], { cwd, env });
    expect(stdout).toMatch(/^MISSING log [0-9a-f-]{36}, entry 2: entry 2 is missing$/m);
    expect(stdout).toMatch(/^NOT SOUND: /m);
    expect(code).toBe(1);
  });
});
