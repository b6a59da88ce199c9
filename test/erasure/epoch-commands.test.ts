import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jobWorker } from '../../src/background';
import { remit } from '../support/cli';
import { databases, type TestDatabase } from '../support/databases';
import { root } from '../support/root';
import { type Installation, openInstallation } from './installation';
import { newClient, plantPeople } from './people';

const [embedded] = databases;

/** Epochs of the keys and certificates by the command line, as operators and auditors use them. */
describe('epochs of the keys by command', () => {
  let database: TestDatabase;
  let installation: Installation;
  let certificate: string;

  beforeAll(async () => {
    if (!embedded) throw new Error('there is no test database');
    database = await embedded.create();
    installation = await openInstallation(database, 'daily');
    const { stores, services } = installation;
    const client = await newClient(services, 'acme');
    const [person] = await plantPeople(stores, client, [1, 2]);
    const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    const { id } = await services.erasure.erasures.request(client, person?.id ?? '', filing);
    await jobWorker(stores, services).drain();
    const turned = await command('keys', 'turn', '--json');
    expect(turned).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(turned.stdout)).toMatchObject({
      turned: [{ store: 'keys', epoch: 1, clients: 2, destroyed: 1 }],
      woken: 1,
    });
    await jobWorker(stores, services).drain();
    certificate = (await services.erasure.erasures.certificate(client, id)) ?? '';
    writeFileSync(file('certificate.json'), certificate);
    writeFileSync(file('keys.json'), JSON.stringify({ keys: await services.erasure.signingKeys.publicKeys() }));
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  const file = (name: string) => join(installation.folder, name);
  const command = (...words: string[]) => remit(words, { cwd: installation.folder, env: installation.env });
  /** With no installation at hand. */
  const elsewhere = (...words: string[]) => remit(words, { cwd: installation.folder });

  test('epochs are listed, and their records checked against each other and the ledger', async () => {
    const listed = await command('keys', 'epochs', '--json');
    expect(JSON.parse(listed.stdout).epochs).toMatchObject([
      { store: 'keys', number: 1, state: 'ENDED', record: expect.stringMatching(/^[\w-]{43}$/) },
      { store: 'keys', number: 2, state: 'CURRENT', endedAt: null, record: null },
    ]);
    expect(await command('keys', 'epochs', '--verify')).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringContaining('1 record checked: signed, chained, and in the audit ledger.'),
    });
  });

  test('an auditor checks exported records and a certificate with public keys alone', async () => {
    const exported = await command('keys', 'epochs', '--export');
    expect(exported.stdout.trimEnd().split('\n')).toHaveLength(1);
    writeFileSync(file('epochs.jsonl'), exported.stdout);
    const byFile = ['keys', 'epochs', '--from', 'epochs.jsonl', '--key', 'keys.json'];
    expect(await elsewhere(...byFile)).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: '1 record, each signed, and each names the one before it.\n',
    });
    const verify = ['erasures', 'verify', 'certificate.json', '--key', 'keys.json'];
    const unchecked = await elsewhere(...verify);
    expect(unchecked).toMatchObject({ code: 0, stderr: '' });
    expect(unchecked.stdout).toMatch(
      /, key destroyed\.\nThe key was deleted at \S+Z\.\nIt is final since \S+Z, when epoch 1 ended: its record was not checked, see --epochs\.\n/,
    );
    const checked = await elsewhere(...verify, '--epochs', 'epochs.jsonl');
    expect(checked.stdout).toContain('when epoch 1 ended: its record is valid.');
    const own = await command('erasures', 'verify', 'certificate.json');
    expect(own.stdout).toContain('its record is valid.');
  });

  test('a record that the certificate does not name, and one that was altered, are refused', async () => {
    await command('keys', 'turn');
    const { stdout } = await command('keys', 'epochs', '--export');
    const [first = '', second = ''] = stdout.trimEnd().split('\n');
    writeFileSync(file('second.jsonl'), `${second}\n`);
    const other = ['erasures', 'verify', 'certificate.json', '--key', 'keys.json', '--epochs', 'second.jsonl'];
    expect(await elsewhere(...other)).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringContaining('The record of epoch 1 that it names is not among the records.'),
    });
    const { payload, ...rest } = JSON.parse(first) as Record<string, string>;
    const said = JSON.parse(Buffer.from(String(payload), 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...said, destroyed: 100 })).toString('base64url');
    writeFileSync(file('forged.jsonl'), `${JSON.stringify({ ...rest, payload: forged })}\n${second}\n`);
    expect(await elsewhere('keys', 'epochs', '--from', 'forged.jsonl', '--key', 'keys.json')).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringContaining('Record 1: The signature does not match'),
    });
    expect(await elsewhere('keys', 'epochs', '--from', 'second.jsonl')).toMatchObject({ code: 2, stdout: '' });
    // A record that the ledger does not know.
    const { keysSource } = installation.stores;
    await keysSource.query('UPDATE key_epoch SET record = ? WHERE number = 2', [Buffer.from(certificate)]);
    expect(await command('keys', 'epochs', '--verify')).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringContaining('It is signed, but is no record of an epoch of keys.'),
    });
    await keysSource.query('UPDATE key_epoch SET record = NULL WHERE number = 2');
    expect(await command('keys', 'epochs', '--verify')).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringContaining('Epoch 2 of "keys" has ended, and has no record.'),
    });
  });

  test('a certificate of the first version still verifies, and names no epoch', async () => {
    const sample = JSON.parse(readFileSync(join(root, 'test/erasure/certificate-v1.json'), 'utf8'));
    writeFileSync(file('first.json'), JSON.stringify(sample.certificate));
    writeFileSync(file('first-keys.json'), JSON.stringify({ keys: sample.keys }));
    const verified = await elsewhere('erasures', 'verify', 'first.json', '--key', 'first-keys.json');
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(/^The signature is valid\. Request \S+, \S+Z: \d+ rows?, key destroyed\.\n┌/);
    const json = await elsewhere('erasures', 'verify', 'first.json', '--key', 'first-keys.json', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, keyDestroyed: true });
  });
});
