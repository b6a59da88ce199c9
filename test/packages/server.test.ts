import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as governance from '../../src/governance/govern';
import { root } from '../support/root';
import { packServer, type Tarball } from './consumer';

let tarball: Tarball;
beforeAll(async () => {
  // As it was built for the tests: building the playground takes longer than all of them.
  expect(existsSync(join(root, 'dist/src/main.js'))).toBe(true);
  tarball = await packServer();
}, 120_000);

const kinds = (files: readonly string[]) => [...new Set(files.map((path) => /\.(d\.ts|\w+)$/.exec(path)?.[1]))].sort();
const below = (folder: string) => tarball.files.filter((path) => path.startsWith(folder));

test('the tarball of the server has what runs and nothing else', () => {
  const outside = tarball.files.filter((path) => !path.startsWith('dist/'));
  expect(outside.sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
  const places = new Set(below('dist/').map((path) => path.split('/').slice(0, 2).join('/')));
  places.delete('dist/playground');
  expect([...places].sort()).toEqual(['dist/bundle', 'dist/migrations', 'dist/ormconfig.js', 'dist/src']);
  expect(kinds(below('dist/migrations/'))).toEqual(['js']);
  const server = below('dist/src/').filter((path) => !path.startsWith('dist/src/governance/'));
  expect(kinds(server)).toEqual(['js']);
  expect(kinds(below('dist/src/governance/'))).toEqual(['d.ts', 'js']);
});

test('it has the programs that it starts, and the library', () => {
  for (const path of [
    'dist/src/main.js',
    'dist/ormconfig.js',
    'dist/src/governance/govern.js',
    'dist/src/governance/govern.d.ts',
  ])
    expect(tarball.files).toContain(path);
});

test('what is packed runs: it makes its databases, and lists what it keeps in them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'remit-packed-'));
  try {
    execFileSync('tar', ['-xzf', tarball.path, '-C', folder]);
    symlinkSync(join(root, 'node_modules'), join(folder, 'package/node_modules'));
    writeFileSync(join(folder, 'master.key'), randomBytes(32).toString('base64'), { mode: 0o600 });
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: `sqlite:${join(folder, 'remit.db')}`,
      KEYS_DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`,
      REMIT_MASTER_KEY_FILE: join(folder, 'master.key'),
    };
    const remit = (...words: string[]) =>
      execFileSync(process.execPath, ['package/dist/src/main.js', ...words], { cwd: folder, env, encoding: 'utf8' });
    remit('migrate');
    expect(remit('census')).toContain('customer');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('remit/governance in a project that has the server installed', () => {
  const consumer = mkdtempSync(join(tmpdir(), 'remit-consumer-'));
  beforeAll(() => {
    mkdirSync(join(consumer, 'node_modules'));
    symlinkSync(root, join(consumer, 'node_modules/remit'));
    symlinkSync(join(root, 'node_modules/graphql'), join(consumer, 'node_modules/graphql'));
  });
  afterAll(() => rmSync(consumer, { recursive: true, force: true }));

  const evaluate = (script: string): string =>
    execFileSync(process.execPath, ['-e', script], { cwd: consumer, encoding: 'utf8' }).trim();
  const required = (path: string) =>
    evaluate(`try { console.log(Object.keys(require(${JSON.stringify(path)})).sort().join()) }
      catch ({ code }) { console.log(code) }`);

  test('it is the library, and nothing inside is exported', () => {
    expect(required('remit/governance').split(',')).toEqual(Object.keys(governance).sort());
    expect(required('remit/governance/vocabulary').split(',')).toContain('allPurposes');
    for (const inside of ['remit', 'remit/dist/src/app.js', 'remit/governance/decision']) {
      expect(required(inside)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
    }
    expect(evaluate(`console.log(require('remit/package.json').name)`)).toBe('remit');
  });

  test('it starts without a database, an HTTP server or a decorator', () => {
    const loaded = evaluate(`require('remit/governance');
      console.log(Object.keys(require.cache).map((id) => /node_modules.((?:@[^/]+.)?[^/]+)/.exec(id)?.[1]).filter(Boolean)
        .filter((name, index, all) => all.indexOf(name) === index).sort().join())`);
    expect(loaded.split(',')).toEqual(['graphql']);
  });
});
