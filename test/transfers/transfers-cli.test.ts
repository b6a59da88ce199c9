import { tmpdir } from 'node:os';
import { openTestApp, type TestApp } from '../support/app';
import { remitHere } from '../support/command';
import { databases, type TestDatabase } from '../support/databases';
import { approve, sccToTheUs } from './transfer-app';

const [embedded] = databases;
let database: TestDatabase | undefined;
let app: TestApp;
let id: string;

const run = async (...words: string[]) => {
  const { code: status, ...written } = await remitHere(words, {
    cwd: tmpdir(),
    env: { ...app.env, LOG_LEVEL: 'silent' },
  });
  return { status, ...written };
};

beforeAll(async () => {
  database = await embedded?.create();
  if (!database) throw new Error('there is no test database');
  app = await openTestApp(database);
  await app.services.clients.register({ slug: 'acme', name: 'Acme' }, 'test');
  id = await approve(app, { ...sccToTheUs, validUntil: new Date(Date.now() + 20 * 86_400_000).toISOString() });
  await approve(app, { ...sccToTheUs, mechanism: 'UK_IDTA', sccModule: null });
});
afterAll(async () => {
  await app.close();
  await database?.drop();
});

test('remit transfers list tells what is approved', async () => {
  const { status, stdout } = await run('transfers', 'list', '--client', 'acme', '--json');
  expect(status).toBe(0);
  const { approvals } = JSON.parse(stdout) as { approvals: object[] };
  expect(approvals).toHaveLength(2);
  expect(approvals[0]).toMatchObject({ id, client: 'acme', mechanism: 'SCC', state: 'ACTIVE' });
  expect((await run('transfers', 'list')).stdout).toContain('UK_IDTA');
  expect(await run('transfers', 'list', '--client', 'nobody')).toMatchObject({ status: 1 });
});

test('remit transfers expiring tells what ends soon', async () => {
  const ids = async (...words: string[]) => {
    const { stdout } = await run('transfers', 'expiring', ...words, '--json');
    return (JSON.parse(stdout) as { approvals: Array<{ id: string }> }).approvals;
  };
  expect(await ids()).toMatchObject([{ id }]);
  expect(await ids('--within', '7')).toEqual([]);
  expect((await run('transfers', 'expiring', '--within', 'soon')).status).toBe(2);
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
])('remit transfers assess %j exits with %i', async (words, status, text) => {
  const result = await run('transfers', 'assess', ...words);
  expect([result.status, result.stderr.split('\n')[0]?.startsWith('error')]).toEqual([status, status === 2]);
  expect(result.stdout).toContain(text);
});
