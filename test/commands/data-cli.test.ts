import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { remit as runAlone } from '../support/cli';
import { remitHere } from '../support/command';

const folder = mkdtempSync(join(tmpdir(), 'remit-data-cli-'));
const env = {
  DATABASE_URL: `sqlite:${join(folder, 'remit.db')}`,
  KEYS_DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`,
};
const remit = (...words: string[]) => remitHere(words, { cwd: folder, env });
/** In a process of its own. */
const remitAlone = (...words: string[]) => runAlone(words, { cwd: folder, env });
// Processes are started here, on machines that may be busy.
jest.setTimeout(180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('remit import', () => {
  const map = write('map.json', '{"externalId":"id","firstName":"first","residency":"country"}');
  const people = write('people.csv', 'id,first,country\n1,Ada,GB\n2,Bob,Atlantis\n');
  const words = ['import', people, '--client', 'acme', '--as', 'customers', '--map', map];

  test('2 for what cannot work, and nothing is written', async () => {
    const wrong = write('wrong.json', '{"externalId":"Id"}');
    const attempts: Array<[string[], string]> = [
      [words, '--create-client'],
      [[...words.slice(0, -1), wrong, '--create-client'], 'has no column "Id"; it has id, first, country'],
      [[...words.slice(0, -1), join(folder, 'none.json')], 'none.json cannot be read'],
      [['import', join(folder, 'none.csv'), ...words.slice(2), '--create-client'], 'none.csv cannot be read'],
      [['import', people, '--client', 'No Slug', ...words.slice(4), '--create-client'], '"slug"'],
      [['import', people, '--client', 'acme', '--as', 'people', '--map', map], 'customers, orders, order-items'],
      [['import', people, '--as', 'customers', '--map', map], '--client'],
    ];
    for (const [attempt, message] of attempts) {
      const { code, stdout, stderr } = await remit(...attempt);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(message);
    }
    expect((await remit(...words)).stderr).toContain('there is no client "acme"');
  });

  test('many are sealed by a second thread, and read again as they came', async () => {
    const fields = ['externalId', 'firstName', 'email', 'phone', 'postalAddress.city', 'attributes.plan'];
    const mapping = write('many.json', JSON.stringify(Object.fromEntries(fields.map((field) => [field, field]))));
    const lines = Array.from(
      { length: 2_500 },
      (_, n) => `${n},Zoë ${n},zoe.${n}@example.org,+49 30 ${n + 1e6},Ulm,p${n}`,
    );
    const file = write('many.csv', [fields.join(), ...lines, ''].join('\n'));
    const take = async () => {
      const taken = ['import', file, '--client', 'many', '--as', 'customers', '--map', mapping];
      const { code, stdout } = await remitAlone(...taken, '--create-client', '--json');
      return { code, ...(JSON.parse(stdout) as object) };
    };
    expect(await take()).toMatchObject({ code: 0, created: 2_500, unchanged: 0 });
    expect(await take()).toMatchObject({ code: 0, created: 0, unchanged: 2_500 });
  });

  test('1 where anything was rejected, unless that many are allowed; --json prints the counts and nothing else', async () => {
    const first = await remitAlone(...words, '--create-client', '--json');
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(first.stdout)).toEqual({
      read: 2,
      skipped: 0,
      created: 2,
      updated: 0,
      unchanged: 0,
      rejected: 0,
      rejectedFields: 1,
      reasons: [{ rejected: 'field', field: 'residency', reason: expect.stringContaining('country'), count: 1 }],
      unmapped: [],
      encoding: { name: 'utf-8', by: 'content' },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      importId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(JSON.parse(readFileSync(`${people}.rejects.ndjson`, 'utf8'))).toMatchObject({ line: 3, field: 'residency' });
    const second = await remit(...words, '--allow-rejects', '1');
    expect(second.code).toBe(0);
    expect(second.stdout).toContain('0 created, 0 updated, 2 unchanged, 1 field left out of other rows.');
    expect(second.stdout).toContain(`${people}.rejects.ndjson`);
    const strict = await remit(...words, '--strict');
    expect(strict.code).toBe(1);
    expect(strict.stdout).toContain('0 created, 0 updated, 1 unchanged, 1 rejected.');
    write('people.csv', 'id,first,country\n1,Ada,GB\n');
    const clean = await remit(...words);
    expect(clean).toEqual({
      code: 0,
      stdout: '1 customer read: 0 created, 0 updated, 1 unchanged.\n',
      stderr: '',
    });
    expect(existsSync(`${people}.rejects.ndjson`)).toBe(false);
  });

  test('cases cp1252, cr-only, note-rows: the encoding is found and said, and what is not certain is not taken', async () => {
    const latin = join(folder, 'cp1252.csv');
    writeFileSync(latin, Buffer.from('id,first\n11,Ren\xe9\n12,Bob\n13,Zo\xeb\n', 'latin1'));
    const simple = write('simple.json', '{"externalId":"id","firstName":"first"}');
    const taken = (file: string) => ['import', file, '--client', 'acme', '--as', 'customers', '--map', simple];
    const found = await remit(...taken(latin));
    expect(found.code).toBe(0);
    expect(found.stdout).toContain('3 created');
    expect(found.stdout).toContain('Read as windows-1252 (detected)');
    const said = await remit(...taken(latin), '--encoding', 'windows-1252');
    expect(said.stdout).toBe('3 customers read: 0 created, 0 updated, 3 unchanged.\n');
    const broken = write('cr.csv', 'id,first\r21,Ada\r22,"Bob" x\r23,Cyd\r');
    expect((await remit(...taken(broken))).stdout).toContain('2 created, 0 updated, 0 unchanged, 1 rejected');
    const notes = write('notes.csv', 'id,first,note\n31,Ada,"said "hi" and\n999,Mallory,x\nbye"\n32,Bob,ok\n');
    expect((await remit(...taken(notes))).stdout).toContain('1 created, 0 updated, 0 unchanged, 1 rejected');
  });
});

test('remit seed says what it made, and what was there', async () => {
  const first = await remit('seed', '--customers', '5', '--clients', '2', '--json');
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(first.stdout)).toMatchObject({ created: 5, existing: 0 });
  const second = await remit('seed', '--customers', '5', '--clients', '2');
  expect(second.stdout).toContain('0 customers made, 5 there already.');
  expect((await remit('seed', '--customers', 'many')).code).toBe(2);
});

test('remit census: 0 when all is accounted for, 1 with each gap and its remedy', async () => {
  const whole = await remit('census');
  expect({ code: whole.code, stderr: whole.stderr }).toEqual({ code: 0, stderr: '' });
  expect(whole.stdout).toContain('There is no gap.');
  const database = new Database(join(folder, 'remit.db'));
  database.exec('ALTER TABLE customer ADD COLUMN shoe_size text; CREATE TABLE wish (client_id text)');
  database.close();
  const short = await remit('census');
  expect(short.code).toBe(1);
  expect(short.stdout).toMatch(/customer\.shoe_size .*without category, purposes, retention and erasure action/);
  expect(short.stdout).toMatch(/wish .*client's id/);
  const { gaps } = JSON.parse((await remit('census', '--json')).stdout) as { gaps: Array<{ at: string }> };
  expect(gaps.map(({ at }) => at)).toEqual(['customer.shoe_size', 'wish']);
});
