import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openDataSource } from '../../src/storage/data-source';
import WorkerScope from '../projects/environment';
import { longest } from '../projects/longest';
import { projects } from '../projects/membership';
import { root } from '../support/root';

const folder = mkdtempSync(join(tmpdir(), 'remit-projects-'));
afterAll(() => rmSync(folder, { recursive: true }));

function sorted(files: Readonly<Record<string, string>>) {
  const repository = mkdtempSync(join(folder, 'repository-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), text);
  }
  return projects(repository);
}

/** A string of source text, so that the text of this file has no such string itself: it would be no unit test. */
const quoted = (...parts: readonly string[]) => `'${parts.join('')}'`;

test('each test file of this repository belongs to one project', () => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'));
  const all = Object.values(projects(root)).flat();
  expect(all.sort()).toEqual(tests.map((file) => `test/${file}`).sort());
});

test('the files that are begun first are there', () => {
  const all = Object.values(projects(root)).flat();
  expect(longest.filter((path) => !all.includes(path))).toEqual([]);
});

test('a test belongs where its imports lead, through helpers too', () => {
  const helper = 'test/support/databases.ts';
  expect(
    sorted({
      [helper]: "import { createConnection } from 'mysql2/promise';",
      'test/a/people.ts': "import { databases } from '../support/databases';\nexport * from './other';",
      'test/a/other.ts': "import { people } from './people';",
      'test/a/alone.test.ts': "import { join } from 'node:path';\nimport { read } from '../../src/read';",
      'test/a/types.test.ts': "import type { ChildProcess } from 'node:child_process';",
      'test/a/people.test.ts': "import {\n  people,\n} from './people';",
      'test/a/driver.test.ts': "import Database from 'better-sqlite3';",
      'test/a/process.test.ts': "import { spawn } from 'node:child_process';\nimport { people } from './people';",
      'test/a/server.test.ts': "import { createServer } from 'node:http';",
      'test/a/built.test.ts': `const main = join(root, ${quoted('dist', '/src/main.js')});`,
      'test/faults/cluster.test.ts': "import { spawn } from 'node:child_process';",
      'test/a/later.test.ts': `test('', async () => import(${quoted('playwright-core')}));`,
    }),
  ).toEqual({
    unit: ['test/a/alone.test.ts', 'test/a/types.test.ts'],
    db: ['test/a/driver.test.ts', 'test/a/people.test.ts'],
    faults: ['test/faults/cluster.test.ts'],
    e2e: ['built', 'later', 'process', 'server'].map((name) => `test/a/${name}.test.ts`),
  });
});

test('what a test file leaves in its worker goes with it', async () => {
  const scope = new WorkerScope({ projectConfig: {} as ConstructorParameters<typeof WorkerScope>[0]['projectConfig'] });
  const [now, { PATH }] = [Date.now, process.env];
  scope.moduleMocker.spyOn(Date, 'now').mockReturnValue(7);
  Object.assign(globalThis, { left: 7 });
  Object.assign(process.env, { LEFT: '7', PATH: 'nowhere' });
  await scope.teardown();
  expect(Date.now).toBe(now);
  expect('left' in globalThis).toBe(false);
  expect(process.env.LEFT).toBeUndefined();
  expect(process.env.PATH).toBe(PATH);
});

test('packages are loaded once, and the product anew', () => {
  const load = () => [require('graphql'), require('../../src/law/calendar')];
  const [kept, was] = load();
  jest.resetModules();
  const [again, is] = load();
  expect(again).toBe(kept);
  expect(is).not.toBe(was);
});

test('a clock that a test put forward is not in the ids of later test files', () => {
  const load = (): typeof import('uuid') => require('uuid');
  const { v7 } = load();
  jest.spyOn(Date, 'now').mockReturnValue(Date.UTC(2100, 0));
  const ahead = v7();
  jest.restoreAllMocks();
  // The clock is right again, and ids do not go back.
  expect(v7() > ahead).toBe(true);
  jest.resetModules();
  expect(load().v7() < ahead).toBe(true);
});

describe('the unit project refuses', () => {
  const refusal = /^A unit test has called a database driver or started a process\. Import test\/support\/databases /;

  test('a database that src opens', async () => {
    const options = { variable: 'DATABASE_URL', entities: [], migrations: [] };
    const opening = openDataSource('sqlite::memory:', options);
    await expect(opening).rejects.toMatchObject({ cause: { message: expect.stringMatching(refusal) } });
  });

  test.each([
    ['better-sqlite3', 'a connection'],
    ['mysql2/promise', 'a connection'],
    ['node:child_process', 'a process'],
  ])('what %s gives: %s', (name) => {
    const module = require(name);
    expect(() => new module(':memory:')).toThrow(refusal);
    expect(() => module.createConnection('mysql://root@127.0.0.1/')).toThrow(refusal);
    expect(() => module.spawn('true')).toThrow(refusal);
  });
});
