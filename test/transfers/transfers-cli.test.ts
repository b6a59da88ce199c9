import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestApp } from '../support/app';
import { approve, sccToTheUs } from './transfer-app';

const main = join(__dirname, '../../dist/src/main.js');
const folder = mkdtempSync(join(tmpdir(), 'remit-transfers-'));
const env = {
  ...process.env,
  DATABASE_URL: `sqlite:${join(folder, 'remit.db')}`,
  KEYS_DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`,
  REMIT_MASTER_KEY_FILE: '',
  LOG_LEVEL: 'silent',
};

const run = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

let id: string;
beforeAll(async () => {
  const app = await openTestApp({
    databaseUrl: env.DATABASE_URL,
    keysDatabaseUrl: env.KEYS_DATABASE_URL,
    drop: async () => undefined,
  });
  await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test');
  id = await approve(app, { ...sccToTheUs, validUntil: new Date(Date.now() + 20 * 86_400_000).toISOString() });
  await approve(app, { ...sccToTheUs, mechanism: 'UK_IDTA', sccModule: null });
  await app.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('remit transfers list tells what is approved', () => {
  const { status, stdout } = run('transfers', 'list', '--client', 'acme', '--json');
  expect(status).toBe(0);
  const { approvals } = JSON.parse(stdout) as { approvals: object[] };
  expect(approvals).toHaveLength(2);
  expect(approvals[0]).toMatchObject({ id, client: 'acme', mechanism: 'SCC', state: 'ACTIVE' });
  expect(run('transfers', 'list').stdout).toContain('UK_IDTA');
  expect(run('transfers', 'list', '--client', 'nobody')).toMatchObject({ status: 1 });
});

test('remit transfers expiring tells what ends soon', () => {
  const ids = (...words: string[]) =>
    (JSON.parse(run('transfers', 'expiring', ...words, '--json').stdout) as { approvals: Array<{ id: string }> })
      .approvals;
  expect(ids()).toMatchObject([{ id }]);
  expect(ids('--within', '7')).toEqual([]);
  expect(run('transfers', 'expiring', '--within', 'soon').status).toBe(2);
});

test.each([
  [['--from', 'DE', '--to', 'GB', '--recipient', 'PLATFORM', '--at', '2031-12-27'], 0, '(EU) 2021/1772'],
  [['--from', 'DE', '--to', 'GB', '--recipient', 'PLATFORM', '--at', '2031-12-28'], 1, 'GDPR Art. 44'],
  [
    [
      '--from',
      'DE',
      '--to',
      'US',
      '--recipient',
      'CLIENT',
      '--client',
      'acme',
      '--purpose',
      'SUPPORT',
      '--category',
      'NAME',
    ],
    0,
    'GDPR Art. 46(2)(c)',
  ],
  [['--from', 'DE', '--to', 'US', '--recipient', 'CLIENT', '--client', 'acme'], 1, 'missing: '],
  [['--from', 'Germany', '--to', 'US', '--recipient', 'CLIENT'], 2, ''],
  [['--from', 'DE', '--to', 'XX', '--recipient', 'CLIENT'], 2, ''],
  [['--from', 'DE', '--to', 'GB', '--recipient', 'PLATFORM', '--at', '2031-02-30'], 2, ''],
])('remit transfers assess %j exits with %i', (words, status, text) => {
  const result = run('transfers', 'assess', ...words);
  expect([result.status, result.stderr.split('\n')[0]?.startsWith('error')]).toEqual([status, status === 2]);
  expect(result.stdout).toContain(text);
});
