import { channel } from 'node:diagnostics_channel';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBundle, SETTLED } from '../src/bundle';

const folder = mkdtempSync(join(tmpdir(), 'remit-bundle-'));
const compiled = join(folder, 'src');
const bundles = join(folder, 'bundle');
const name = 'remit-0123456789abcdef.js';
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  for (const each of [compiled, bundles]) rmSync(each, { recursive: true, force: true });
  for (const each of [compiled, bundles]) mkdirSync(each);
  writeFileSync(join(compiled, 'bundle.js'), '');
  bundleOf('there');
});

const bundleOf = (said: string) =>
  writeFileSync(
    join(bundles, name),
    `module.exports={said:'${said}',at:__dirname,join:require('node:path').join('a','b')}`,
  );
const load = () => loadBundle<object>(compiled);
const settle = () => channel(SETTLED).publish(undefined);
const kept = () => readdirSync(bundles).filter((each) => each !== name);

test('the bundle is loaded; once settled, its compiled code is kept, and the next start takes it', () => {
  const there = { said: 'there', at: folder, join: join('a', 'b') };
  expect(load()).toEqual(there);
  expect(kept()).toEqual([]);
  settle();
  expect(kept()).toEqual([expect.stringMatching(/^remit-0123456789abcdef\.js\.[0-9a-f]+\.cache$/)]);
  const [first = ''] = kept();
  writeFileSync(join(bundles, first), 'not compiled code');
  expect(load()).toEqual(there);
});

test('it is left alone where the sources were compiled later, and where there is none', () => {
  utimesSync(join(bundles, name), 1, 1);
  expect(load()).toBeUndefined();
  rmSync(bundles, { recursive: true });
  expect(load()).toBeUndefined();
});

test('where its folder is gone, the server goes on without', () => {
  load();
  rmSync(bundles, { recursive: true });
  expect(settle).not.toThrow();
});
